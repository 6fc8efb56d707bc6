import { type Fd, sendFile, UnixSocket } from "cmsg";

export interface SendConsoleOptions {
  /** The bytes that go with it, fewer than 4096. Without it /dev/ptmx, as runc. */
  name?: string | Uint8Array | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Sends a terminal's ptmx, borrowed, as runtimes do: one message with one descriptor. There is no answer. To a path (or
 * an abstract `@name`) it connects, sends and closes; a socket is borrowed. Close the ptmx afterwards: while this process
 * has it, the receiver's end is no hangup.
 *
 * @throws what `UnixSocket.connect` and `sendFile` of cmsg throw: ENOENT, ECONNREFUSED, EPIPE, ERR_CMSG_NAME_TOO_LONG …
 */
export async function sendConsole(
  to: UnixSocket | string,
  ptmx: Fd,
  { name = "/dev/ptmx", signal }: SendConsoleOptions = {},
): Promise<void> {
  if (typeof to !== "string") return sendFile(to, name, ptmx, { signal });
  const address = to.startsWith("@") ? { abstract: to.slice(1) } : to;
  const socket = await UnixSocket.connect(address, { signal });
  try {
    await sendFile(socket, name, ptmx, { signal });
  } finally {
    socket.close();
  }
}
