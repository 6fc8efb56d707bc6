// What can go wrong besides a system call: the contracts of this package, each with a stable code. A system call's own
// failure stays what Node makes of it everywhere else: code 'EACCES', errno, syscall.
import { recognizeCopies } from "cmsg-native";

/** Every code of `InitError`, with what it means. */
export const INIT_ERROR_CODES = {
  ERR_INIT_FAILED:
    "What was started ended before it had sent its console and become the user; the message has what it said.",
  ERR_INIT_INVALID_ARG: "An argument has the wrong type, is out of range, or contradicts another.",
  ERR_INIT_MOUNTED_OVER: "Something is mounted over the devpts' own device.",
  ERR_INIT_NO_PROC: "Neither openat2 nor a genuine /proc is there, so that nothing can be opened safely.",
  ERR_INIT_NO_TOOL: "unshare, nsenter or bwrap is not installed, or not in PATH.",
  ERR_INIT_NOT_DEVPTS: "/dev/pts is not a directory on which a devpts is mounted.",
  ERR_INIT_NOT_PTMX: "What is to be the terminal multiplexer is another kind of file.",
  ERR_INIT_OTHER_DEVPTS: "The multiplexer gives terminals of another devpts than that on /dev/pts.",
  ERR_INIT_SESSION: "This process cannot have a terminal of its own: it leads a process group, or has a terminal.",
} as const;

export type InitErrorCode = keyof typeof INIT_ERROR_CODES;

/** A broken contract. `code` is one of INIT_ERROR_CODES; the message says what was expected, seen, and what to do. */
export class InitError extends Error {
  readonly code: InitErrorCode;

  constructor(code: InitErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InitError";
    this.code = code;
  }
}
recognizeCopies(InitError, "console-init.InitError");
