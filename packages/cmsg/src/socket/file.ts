// One file over a Unix socket, as runc's SendFile and RecvFile do it (github.com/opencontainers/runc,
// libcontainer/utils): one message, its data a name of fewer than 4096 bytes, with exactly one descriptor.
// There is no acknowledgement and no length prefix: the message is the whole protocol.
import { CmsgError } from "../errors.js";
import { closeAll, type Fd, type OwnedFd } from "../fd/owned-fd.js";
import type { UnixSocket } from "./unix-socket.js";

/** runc's MaxNameLen: a name of this many bytes is refused. */
export const MAX_NAME_BYTES = 4096;

export interface ReceivedFile {
  /** What the sender called it. Untrusted: any bytes, terminal escapes included. */
  name: Buffer;
  /** The caller's to close. Untrusted too: any kind of file. */
  fd: OwnedFd;
}

/**
 * Sends `fd`, borrowed, under `name`.
 *
 * @throws CmsgError ERR_CMSG_NAME_TOO_LONG, ERR_CMSG_NO_DATA (an empty name), ERR_CMSG_CLOSED; what `send` throws.
 */
export async function sendFile(
  socket: UnixSocket,
  name: string | Uint8Array,
  fd: Fd,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const bytes = typeof name === "string" ? Buffer.from(name) : name;
  if (bytes.length >= MAX_NAME_BYTES) throw nameTooLong(`${bytes.length}`);
  await socket.send(bytes, [fd], options);
}

/**
 * Receives what `sendFile`, runc and other runtimes send. Unlike runc's own receiver it closes every descriptor of a
 * message that it refuses.
 *
 * @throws CmsgError ERR_CMSG_EOF (closed without a message), ERR_CMSG_NO_FD, ERR_CMSG_FD_COUNT (two or more),
 * ERR_CMSG_NAME_TOO_LONG, ERR_CMSG_TRUNCATED, ERR_CMSG_CLOSED; ECONNRESET …; the signal's reason.
 */
export async function recvFile(
  socket: UnixSocket,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ReceivedFile> {
  const message = await socket.receive({ length: MAX_NAME_BYTES, signal });
  if (!message)
    throw new CmsgError("ERR_CMSG_EOF", "Expected one message with a descriptor; the peer closed without one.");
  const { data: name, fds } = message;
  const [fd, ...surplus] = fds;
  if (fd && surplus.length === 0 && name.length < MAX_NAME_BYTES) return { name, fd };
  const count = fds.length;
  closeAll(fds);
  if (count === 0) {
    throw new CmsgError(
      "ERR_CMSG_NO_FD",
      `Expected one descriptor beside the name; ${name.length} bytes came without.`,
    );
  }
  if (count > 1) throw new CmsgError("ERR_CMSG_FD_COUNT", `Expected one descriptor; ${count} came, and are closed.`);
  throw nameTooLong(`${name.length} or more`);
}

function nameTooLong(seen: string): CmsgError {
  return new CmsgError(
    "ERR_CMSG_NAME_TOO_LONG",
    `A file's name has fewer than ${MAX_NAME_BYTES} bytes (runc's MaxNameLen); this one has ${seen}.`,
  );
}
