// A socket that listens already becomes a server of Node's.
import { once } from "node:events";
import type { Server } from "node:net";
import { native, SO_TYPE, SOCK_STREAM } from "cmsg-native";
import { CmsgError, isSyscallError } from "../errors.js";
import { type Fd, numberOf, OwnedFd } from "../fd/owned-fd.js";

const SO_ACCEPTCONN = 30;

/**
 * Lets `server` (of `net`, `http`, `https` …) accept connections from a listening stream socket, TCP or Unix, and takes
 * the descriptor. listen(2) is called on it again by Node, which changes its backlog to Node's 511 and nothing else.
 * The file of a Unix socket stays when the server closes: it is not this process's. A Unix server that is to receive
 * descriptors is `UnixServer.fromFd`.
 *
 * @throws CmsgError ERR_CMSG_NOT_LISTENING (it is no socket, a datagram socket, or one that does not listen) and the
 * descriptor stays the caller's; ERR_CMSG_CLOSED, ERR_CMSG_INVALID_ARG; EBADF; what `server` emits as `error`.
 */
export async function listenOn(server: Server, fd: Fd): Promise<void> {
  const number = numberOf(fd);
  requireListening(number);
  if (fd instanceof OwnedFd) fd.release();
  server.listen({ fd: number });
  await once(server, "listening");
}

function requireListening(number: number): void {
  const seen = whatItIs(number);
  if (seen === undefined) return;
  throw new CmsgError(
    "ERR_CMSG_NOT_LISTENING",
    `Expected descriptor ${number} to be a stream socket that listens; it is ${seen}. Check which one was passed ` +
      "(its name), and that the socket unit has ListenStream= and Accept=no.",
  );
}

function whatItIs(number: number): string | undefined {
  try {
    if (native.getSocketOption(number, SO_TYPE) !== SOCK_STREAM) return "a socket of another type";
    return native.getSocketOption(number, SO_ACCEPTCONN) === 0 ? "a socket that does not listen" : undefined;
  } catch (error) {
    if (isSyscallError(error, "ENOTSOCK")) return "no socket";
    throw error;
  }
}
