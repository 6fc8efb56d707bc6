// A socket that listens already becomes a server of Node's.
import { once } from "node:events";
import type { Server } from "node:net";
import { SOCK_STREAM } from "cmsg-native";
import { type Fd, numberOf } from "../fd/owned-fd.js";
import { requireListening } from "../socket/listening.js";

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
  requireListening(number, [SOCK_STREAM]);
  if (typeof fd !== "number") fd.release();
  server.listen({ fd: number });
  await once(server, "listening");
}
