// Errors of two kinds. A broken contract of this package has a stable code. A failed system call has the shape that
// Node.js's `net` gives it: code 'ENOENT', errno, syscall, and the address or path that the call was given.
import { release } from "node:os";
import { recognizeCopies } from "cmsg-native";

/** Every code of `CmsgError`, with what it means. */
export const CMSG_ERROR_CODES = {
  ERR_CMSG_CLOSED: "The descriptor, socket or server was closed or given away, or the stream is not connected yet.",
  ERR_CMSG_CLUSTER: "In a worker of node:cluster Node.js would serve the primary's descriptor of that number.",
  ERR_CMSG_DATA_TRUNCATED:
    "A record was longer than asked for (MSG_TRUNC): its tail is lost, its descriptors are closed.",
  ERR_CMSG_EOF: "The peer closed the connection before the message that was waited for.",
  ERR_CMSG_FD_COUNT: "More descriptors came, or were given, than allowed. Those that came are closed.",
  ERR_CMSG_INVALID_ARG: "An argument has the wrong type or is out of range.",
  ERR_CMSG_LISTEN_FDS:
    "The descriptors of LISTEN_FDS are not for this process, not there, taken already, or the variables are malformed.",
  ERR_CMSG_MALFORMED: "Bytes that were to be parsed are no control message of the expected kind.",
  ERR_CMSG_NAME_TOO_LONG: "The name beside a file has 4096 bytes or more. The descriptor is closed.",
  ERR_CMSG_NO_DATA:
    "At least one byte is needed: a stream drops descriptors without one, an empty record looks like the end.",
  ERR_CMSG_NO_FD: "The message came without the descriptor it should carry.",
  ERR_CMSG_NOTIFY:
    "NOTIFY_SOCKET is not set or malformed, no process receives there, or a WATCHDOG_ variable is malformed.",
  ERR_CMSG_NOT_LISTENING: "The descriptor is not a socket that listens.",
  ERR_CMSG_NOT_PIDFD: "The descriptor is no pidfd.",
  ERR_CMSG_NOT_STDIO: "The message is not the three standard streams that a lender sends. Its descriptors are closed.",
  ERR_CMSG_NOT_UNIX:
    "The descriptor is not a Unix socket of the expected type: other families drop descriptors without a word.",
  ERR_CMSG_STDIO_IN_USE: "Node uses this process's own standard streams already, and would go on with the old ones.",
  ERR_CMSG_TRUNCATED: "The kernel cut the control data (MSG_CTRUNC), so descriptors are lost. The rest are closed.",
  ERR_CMSG_UNSUPPORTED: "The kernel is older than what was asked for. The message says which version has it.",
} as const;

export type CmsgErrorCode = keyof typeof CMSG_ERROR_CODES;

/** A broken contract. `code` is one of CMSG_ERROR_CODES; the message says what was expected, seen, and what to do. */
export class CmsgError extends Error {
  readonly code: CmsgErrorCode;

  constructor(code: CmsgErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CmsgError";
    this.code = code;
  }
}
recognizeCopies(CmsgError, "cmsg.CmsgError");

/** What a system call was given, as its error names it. */
interface Subject {
  /** A socket's: a path, `@name`, or `vsock://CID:PORT`. */
  address?: string;
  /** A file's. */
  path?: string;
}

/** The shape of a system call's failure. */
export interface SyscallError extends Error, Subject {
  code: string;
  errno: number;
  syscall: string;
}

export function isSyscallError(error: unknown, code: string): error is SyscallError {
  return isOfSystemCall(error) && error.code === code;
}

/** By its shape: an error of another realm (a vm context of a test runner) is no instance of this one's Error. */
export function isOfSystemCall(error: unknown): error is SyscallError {
  return typeof error === "object" && error !== null && "syscall" in error && "code" in error;
}

/** Runs a system call. Its error names `subject`, and says what the code means here where `reasons` has it. */
export function naming<Result>(subject: Subject, call: () => Result, reasons: Record<string, string> = {}): Result {
  try {
    return call();
  } catch (error) {
    if (!isOfSystemCall(error)) throw error;
    throw explained(error, reasons[error.code], subject);
  }
}

/** What an older kernel has not, the version that brought it, and what the older one answers. */
interface Newer {
  what: string;
  since: string;
  code: string;
}

/** @throws CmsgError ERR_CMSG_UNSUPPORTED in the place of that answer. */
export function needing<Result>({ what, since, code }: Newer, call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    if (!isSyscallError(error, code)) throw error;
    throw new CmsgError("ERR_CMSG_UNSUPPORTED", `${what} needs Linux ${since} or newer; this is ${release()}.`, {
      cause: error,
    });
  }
}

/** A copy of `failure` that says more: `bind EADDRINUSE: address already in use /run/x: REASON`. */
export function explained(failure: SyscallError, reason?: string, subject: Subject = {}): SyscallError {
  const { code, errno, syscall, address, path } = failure;
  const given = subject.address ?? subject.path;
  const message = `${failure.message}${given === undefined ? "" : ` ${given}`}${reason === undefined ? "" : `: ${reason}`}`;
  const before = { ...(address !== undefined && { address }), ...(path !== undefined && { path }) };
  return Object.assign(new Error(message), { code, errno, syscall, ...before, ...subject });
}
