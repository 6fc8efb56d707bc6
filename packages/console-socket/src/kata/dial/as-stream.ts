// A connection goes on as a stream.
import { OwnedFd, type UnixSocket, UnixStream } from "cmsg";

/** Takes `socket`; closed when it cannot become a stream. */
export function asStream(socket: UnixSocket): UnixStream {
  const fd = new OwnedFd(socket.release(), { untrusted: true });
  try {
    return UnixStream.connect({ fd });
  } catch (error) {
    fd.close();
    throw error;
  }
}
