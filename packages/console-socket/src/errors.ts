// The contracts of this package, each with a stable code. What breaks the message's own contract keeps cmsg's code.
// Not the root of cmsg-native, which loads the addon: --help works without one.
import { recognizeCopies } from "cmsg-native/brand";

/** Every code of `ConsoleSocketError`, with what it means. */
export const CONSOLE_ERROR_CODES = {
  ERR_CONSOLE_ADDRESS: "An agent's address is malformed; the message says which part.",
  ERR_CONSOLE_BUSY: "The console cannot be given away while input waits to be written.",
  ERR_CONSOLE_CLOSED: "The console, the listener or the agent's client is closed.",
  ERR_CONSOLE_GHOST: "The runtime command failed after it had sent a console, which answers nothing.",
  ERR_CONSOLE_HANDSHAKE: "A hypervisor's socket gave another answer than OK and a number.",
  ERR_CONSOLE_INVALID_ARG: "An argument has the wrong type or is out of range.",
  ERR_CONSOLE_KEEPER: "The processes that keep a launched container's console, or know its end, were killed.",
  ERR_CONSOLE_NONE: "No console was sent: the peer closed the connection, or the runtime command ended, without one.",
  ERR_CONSOLE_NO_LISTENER: "A hypervisor closed the connection: nobody in the guest listens on the port.",
  ERR_CONSOLE_NOT_A_PTY: "What the peer sent is not the master of a pseudo-terminal, open for reading and writing.",
  ERR_CONSOLE_PEER: "The peer runs as a user that may not deliver consoles here.",
  ERR_CONSOLE_PID: "The runtime command did not leave the container's process behind as its child.",
  ERR_CONSOLE_RPC: "An agent answered a call with an error, or not in time: rpcCode says which.",
  ERR_CONSOLE_RPC_PROTOCOL: "What came from an agent's end of the connection is not the protocol that is spoken here.",
  ERR_CONSOLE_RUNTIME: "The runtime command failed before it had sent a console.",
  ERR_CONSOLE_SANDBOX: "There is no such sandbox, or its shim does not say where its agent is.",
  ERR_CONSOLE_TAMPERED: "Whoever shares the console changed how it is read: packet mode, line discipline, O_NONBLOCK.",
  ERR_CONSOLE_TIMEOUT: "A console, the end of a runtime command, or a hypervisor's answer did not come in time.",
  ERR_CONSOLE_UNREACHABLE: "Nobody answered at an agent's address before the time was up.",
} as const;

export type ConsoleErrorCode = keyof typeof CONSOLE_ERROR_CODES;

/** A broken contract. `code` is one of CONSOLE_ERROR_CODES; the message says what was expected, seen, and what to do. */
export class ConsoleSocketError extends Error {
  readonly code: ConsoleErrorCode;

  constructor(code: ConsoleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConsoleSocketError";
    this.code = code;
  }
}
recognizeCopies(ConsoleSocketError, "console-socket.ConsoleSocketError");
