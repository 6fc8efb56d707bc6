import { type Fd, sendFile, type UnixAddress, UnixSocket } from "cmsg";
import { checks } from "./options.js";

export interface SendConsoleOptions {
  /** The bytes that go with it, fewer than 4096. Without it /dev/ptmx, as runc. */
  name?: string | Uint8Array | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Sends a terminal's master (ptmx), borrowed, as runtimes do: one message with one descriptor. There is no answer. To an
 * address (a path, or `{abstract: name}`) it connects, sends and closes; a socket is borrowed. Close the master
 * afterwards: while this process holds it, closing the receiver's copy is no hangup.
 *
 *     using pty = openPty({ initialSize: { columns: 80, rows: 24 } });
 *     await sendConsole("/run/console.sock", pty.ptmx);
 *
 * @throws InitError ERR_INIT_INVALID_ARG (the signal); what `UnixSocket.connect` and `sendFile` of cmsg throw: ENOENT, ECONNREFUSED, EPIPE, ERR_CMSG_NAME_TOO_LONG …
 */
export async function sendConsole(
  to: UnixSocket | UnixAddress,
  ptmx: Fd,
  { name = "/dev/ptmx", signal }: SendConsoleOptions = {},
): Promise<void> {
  checks.abortSignal(signal);
  if (to instanceof UnixSocket) return sendFile(to, name, ptmx, { signal });
  using socket = await UnixSocket.connect(to, { signal });
  await sendFile(socket, name, ptmx, { signal });
}
