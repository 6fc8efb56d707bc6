// The three kinds of Unix sockets.
import { AF_UNIX, native, SO_DOMAIN, SO_TYPE, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM } from "cmsg-native";
import { CmsgError } from "../errors.js";

/**
 * `stream`: bytes without boundaries. `seqpacket`: connected, a record a message. `datagram`: a record a message,
 * connected or to an address; on Linux in order and never lost.
 */
export type SocketType = "stream" | "seqpacket" | "datagram";

const numbers = { stream: SOCK_STREAM, seqpacket: SOCK_SEQPACKET, datagram: SOCK_DGRAM } as const;

/** @throws CmsgError ERR_CMSG_INVALID_ARG */
export function numberOfType(type: SocketType): number {
  if (Object.hasOwn(numbers, type)) return numbers[type];
  throw new CmsgError("ERR_CMSG_INVALID_ARG", `A socket's type is one of ${Object.keys(numbers).join(", ")}.`);
}

/**
 * What kind of Unix socket `fd` is.
 *
 * @throws CmsgError ERR_CMSG_NOT_UNIX; EBADF, ENOTSOCK.
 */
export function typeOf(fd: number): SocketType {
  const domain = native.getSocketOption(fd, SO_DOMAIN);
  const number = native.getSocketOption(fd, SO_TYPE);
  const found = Object.entries(numbers).find(([, each]) => each === number)?.[0];
  if (domain === AF_UNIX && found) return found as SocketType;
  throw new CmsgError(
    "ERR_CMSG_NOT_UNIX",
    `Expected a Unix socket (domain ${AF_UNIX}); descriptor ${fd} has domain ${domain}, type ${number}.`,
  );
}
