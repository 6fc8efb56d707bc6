// Descriptors over a Unix socket. All send standard input, a pipe: a Unix socket in flight has a cost of its own in the
// kernel. Sizes are messages.
import { atLeast, c, go, js, python } from "./peers.mjs";

const rate = (targets) => [
  { name: "rate", unit: "messages/s", from: (result, size) => size / result.seconds, targets },
];
const loop = (fds) => js("descriptors.mjs", (size) => [size, fds]);

export const descriptors = [
  {
    name: "one-fd",
    title: "One descriptor and 16 bytes, send and receive",
    size: { full: 100_000, quick: 30_000 },
    seconds: 60,
    ours: loop(1),
    peers: {
      C: c("descriptors", (size) => [size, 1]),
      "C that asks": c("descriptors", (size) => [size, 1, "ask"]),
      Go: go("descriptors", (size) => [size]),
      Python: python("descriptors", (size) => [size, 1]),
      "koffi FFI": js("koffi.mjs", (size) => [size], ["koffi"]),
    },
    figures: rate({
      C: atLeast(0.8),
      "C that asks": undefined,
      Go: atLeast(1),
      Python: atLeast(1),
      "koffi FFI": atLeast(1),
    }),
  },
  {
    name: "one-fd-stream",
    title: "The same as a stream: UnixStream",
    size: { full: 50_000, quick: 20_000 },
    seconds: 40,
    ours: js("stream.mjs", (size) => [size]),
    peers: { usocket: js("usocket.cjs", (size) => [size], ["usocket"]) },
    figures: rate({ usocket: atLeast(2) }),
  },
  {
    name: "one-fd-child",
    title: "The same to a child process",
    size: { full: 10_000, quick: 3_000 },
    seconds: 60,
    ours: js("to-child.mjs", (size) => [size]),
    peers: { "child.send": js("child-send.mjs", (size) => [size]) },
    figures: rate({ "child.send": atLeast(1) }),
  },
  ...[64, 253].map((fds) => ({
    name: `fds-${fds}`,
    title: `${fds} descriptors in a message`,
    size: { full: fds === 64 ? 10_000 : 3_000, quick: fds === 64 ? 1_000 : 300 },
    seconds: 25,
    ours: loop(fds),
    peers: {
      C: c("descriptors", (size) => [size, fds]),
      "C that asks": c("descriptors", (size) => [size, fds, "ask"]),
      Python: python("descriptors", (size) => [size, fds]),
    },
    figures: rate({ C: atLeast(0.9), "C that asks": undefined, Python: atLeast(0.9) }),
  })),
];
