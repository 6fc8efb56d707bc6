// Runtimes that are none: for tests of what receives consoles, without a runtime, root or namespaces. Each sends what
// the real one was seen to send, or breaks the contract in one way.
export { FakeProgram } from "./fake-program.js";
export {
  FAKE_RUNTIMES,
  FAULTS,
  type FakeRuntimeName,
  type FakeRuntimeOptions,
  type Fault,
  fakeRuntime,
} from "./fake-runtime.js";
