// What a delivery brought: an accepted master, or an error that says why it was refused. Native code has closed what it
// refused, and has set the size of what it accepted.
import { CmsgError, MAX_NAME_BYTES, OwnedFd } from "cmsg";
import { type ConsoleDelivery, ConsoleRefusal, type ConsoleVerdict } from "cmsg-native";
import { sizeOf } from "../console/master.js";
import { safeName } from "../console/safe-text.js";
import type { WindowSize } from "../console/window-size.js";
import { ConsoleSocketError } from "../errors.js";

export interface Received {
  name: string;
  /** The caller's to close. */
  master: OwnedFd;
  size: WindowSize;
}

/**
 * @throws ConsoleSocketError ERR_CONSOLE_NONE, ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED; CmsgError ERR_CMSG_NO_FD,
 * ERR_CMSG_FD_COUNT, ERR_CMSG_NAME_TOO_LONG, ERR_CMSG_TRUNCATED; a system call's error
 */
export function receivedOf(delivery: ConsoleDelivery): Received {
  if (delivery.error) throw delivery.error;
  const { name, count, master } = delivery;
  const refusal = refusalOfMessage(delivery, count, name.length);
  if (refusal) throw refusal;
  const size = sizeOf(delivery);
  return { name: safeName(name), master: new OwnedFd(master as number, { untrusted: true }), size };
}

function refusalOfMessage({ refusal }: ConsoleVerdict, count: number, bytes: number): Error | undefined {
  switch (refusal) {
    case ConsoleRefusal.end:
      return new ConsoleSocketError(
        "ERR_CONSOLE_NONE",
        "Expected a console; the peer closed the connection without one. The runtime's own message says why.",
        {
          cause: new CmsgError("ERR_CMSG_EOF", "Expected one message with a descriptor; the peer closed without one."),
        },
      );
    case ConsoleRefusal.noFile:
      return new CmsgError("ERR_CMSG_NO_FD", `Expected one descriptor beside the name; ${bytes} bytes came without.`);
    case ConsoleRefusal.manyFiles:
      return new CmsgError("ERR_CMSG_FD_COUNT", `Expected one descriptor; ${count} came, and are closed.`);
    case ConsoleRefusal.nameTooLong:
      return new CmsgError(
        "ERR_CMSG_NAME_TOO_LONG",
        `A console's name has fewer than ${MAX_NAME_BYTES} bytes (runc's MaxNameLen); this one has ${bytes} or more.`,
      );
    case ConsoleRefusal.truncated:
      return new CmsgError(
        "ERR_CMSG_TRUNCATED",
        `The kernel dropped descriptors of a message (MSG_CTRUNC); the ${count} that arrived are closed. ` +
          "The usual cause is this process's limit of open files: raise RLIMIT_NOFILE.",
      );
    default:
      return undefined;
  }
}
