// A socket that listens already becomes a server of Node's.
import cluster from "node:cluster";
import { once } from "node:events";
import type { Server } from "node:net";
import { SOCK_STREAM } from "cmsg-native";
import { CmsgError } from "../errors.js";
import { type Fd, numberOf } from "../fd/owned-fd.js";
import { requireListening } from "../socket/listening.js";

/**
 * Lets `server` (of `net`, `http`, `https` …) accept connections from a listening stream socket, TCP or Unix, and takes
 * the descriptor. listen(2) is called on it again by Node, which changes its backlog to Node's 511 and nothing else.
 * The file of a Unix socket stays when the server closes: it is not this process's. A Unix server that is to receive
 * descriptors is `UnixServer.fromFd`.
 *
 * In a worker of node:cluster Node.js would serve the primary's descriptor of the same number, so that is refused.
 *
 * @throws CmsgError ERR_CMSG_NOT_LISTENING (it is no socket, a datagram socket, or one that does not listen),
 * ERR_CMSG_CLUSTER; what `server.listen` throws (ERR_SERVER_ALREADY_LISTEN): the descriptor stays the caller's;
 * ERR_CMSG_CLOSED, ERR_CMSG_INVALID_ARG; EBADF; what `server` emits as `error`.
 */
export async function listenOn(server: Server, fd: Fd): Promise<void> {
  const number = numberOf(fd);
  requireListening(number, [SOCK_STREAM]);
  refuseInClusterWorker(number);
  // If this throws, for example because the server already listens, the descriptor stays the caller's.
  server.listen({ fd: number });
  if (typeof fd !== "number") fd.release();
  await once(server, "listening");
}

function refuseInClusterWorker(number: number): void {
  if (!cluster.isWorker) return;
  throw new CmsgError(
    "ERR_CMSG_CLUSTER",
    `Expected a process that is no worker of node:cluster: in a worker, Node.js would serve the primary's descriptor ` +
      `${number}, not this process's. Call listenOn in the primary, start this process with child_process, or accept ` +
      "from a Unix socket with UnixServer.fromFd.",
  );
}
