// Whether a descriptor that was handed on is a socket that listens.
import { native, SO_TYPE } from "cmsg-native";
import { CmsgError, isSyscallError } from "../errors.js";

const SO_ACCEPTCONN = 30;

/**
 * @param types numbers of the socket types that the caller accepts connections from.
 * @throws CmsgError ERR_CMSG_NOT_LISTENING; EBADF.
 */
export function requireListening(number: number, types: readonly number[]): void {
  const seen = otherThanListening(number, types);
  if (seen === undefined) return;
  throw new CmsgError(
    "ERR_CMSG_NOT_LISTENING",
    `Expected descriptor ${number} to be a socket that listens, got ${seen}. Check which descriptor was passed (its ` +
      "name); a systemd socket unit needs ListenStream= and Accept=no.",
  );
}

function otherThanListening(number: number, types: readonly number[]): string | undefined {
  try {
    if (!types.includes(native.getSocketOption(number, SO_TYPE))) return "a socket of another type";
    return native.getSocketOption(number, SO_ACCEPTCONN) === 0 ? "a socket that does not listen" : undefined;
  } catch (error) {
    if (isSyscallError(error, "ENOTSOCK")) return "no socket";
    throw error;
  }
}
