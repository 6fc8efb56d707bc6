// Consoles of containers in virtual machines: Kata Containers' agent, and the hypervisors it is reached through.

export {
  AGENT_PORT,
  type AgentAddress,
  type AgentAddressOptions,
  type AgentDialect,
  parseAgentAddress,
} from "./address/agent-address.js";
export { type SandboxOptions, sandboxAgentUrl } from "./address/sandbox.js";
export { type AgentClient, type AgentClientOptions, connectAgent } from "./agent/agent-client.js";
export { type AgentConsole, type AgentConsoleOptions, openAgentConsole } from "./agent/agent-console.js";
export type { AgentService, HealthService } from "./agent/agent-service.js";
export { DEBUG_CONSOLE_PORT, type DebugConsoleOptions, openDebugConsole } from "./agent/debug-console.js";
export { type AgentCall, type Interceptor, type OpenTelemetryApi, otelInterceptor } from "./agent/interceptors.js";
export { type DialOptions, dial } from "./dial/dial.js";
export { PASS_FD_PORT, type PassFdOptions, passFd } from "./dial/pass-fd.js";
export type {
  AgentDetails,
  ContainerRequest,
  CreateContainerRequest,
  CreateSandboxRequest,
  Device,
  ExecProcessRequest,
  GuestDetailsRequest,
  GuestDetailsResponse,
  HealthCheckResponse,
  ProcessRequest,
  ReadStreamRequest,
  ReadStreamResponse,
  RemoveContainerRequest,
  SignalProcessRequest,
  Storage,
  StringUser,
  TtyWinResizeRequest,
  VersionCheckResponse,
  WaitProcessResponse,
  WriteStreamRequest,
  WriteStreamResponse,
} from "./protobuf/agent-messages.js";
export type { Process, Spec } from "./protobuf/oci-spec.js";
export { RPC_CODES, type RpcCodeName, RpcError } from "./rpc/rpc-error.js";
export type { CallOptions } from "./rpc/transport.js";
