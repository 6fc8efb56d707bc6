// What this kernel's sockets lack.
import { CmsgError, type PassOptions, UnixSocket } from "cmsg";

/** Tap's `skip`: false where the kernel has the option, else what the refusal says. */
export function unsupported(options: PassOptions): string | false {
  try {
    for (const socket of UnixSocket.pair("stream", options)) socket.close();
    return false;
  } catch (error) {
    if (!(error instanceof CmsgError) || error.code !== "ERR_CMSG_UNSUPPORTED") throw error;
    return error.message;
  }
}
