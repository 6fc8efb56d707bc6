// sendmsg(2) and recvmsg(2) with descriptors: one system call each, never waiting.
import { AF_UNIX, CONTROL_SLOTS, ControlSlot, MSG_CTRUNC, native, SCM_MAX_FD, SO_DOMAIN } from "cmsg-native";
import { CmsgError } from "./errors.js";
import { type Fd, numberOf, OwnedFd } from "./owned-fd.js";

/** What one recvmsg(2) gave. On a stream the descriptors came with the first byte of their sender's message. */
export class Message implements Disposable {
  readonly data: Buffer;
  /** The caller's to close. What is taken out of this array survives the message's disposal. */
  readonly fds: OwnedFd[];

  constructor(data: Buffer, fds: OwnedFd[]) {
    this.data = data;
    this.fds = fds;
  }

  /** Closes the descriptors that are still in `fds`. */
  [Symbol.dispose](): void {
    closeAll(this.fds);
  }
}

export function closeAll(fds: OwnedFd[]): void {
  for (const fd of fds.splice(0)) fd.close();
}

/** Checks and borrows what is to be sent. */
export function rightsToSend(fds: readonly Fd[]): number[] {
  if (fds.length <= SCM_MAX_FD) return fds.map(numberOf);
  throw new CmsgError(
    "ERR_CMSG_FD_COUNT",
    `One message carries at most ${SCM_MAX_FD} descriptors (SCM_MAX_FD); these are ${fds.length}. Send several messages.`,
  );
}

export function requireData(data: Uint8Array): void {
  if (data.length > 0) return;
  throw new CmsgError(
    "ERR_CMSG_NO_DATA",
    "A message on a stream needs at least one byte: with none, the kernel drops its descriptors without a word.",
  );
}

/**
 * sendmsg(2) of `data` with `rights` as SCM_RIGHTS, without waiting. Borrows the socket and the descriptors.
 *
 * @returns the number of bytes sent, which on a stream can be fewer than given: the descriptors went with the first
 * ones, so send the rest without. `undefined` when there is no room (EAGAIN): nothing was sent.
 * @throws CmsgError ERR_CMSG_NO_DATA, ERR_CMSG_FD_COUNT, ERR_CMSG_NOT_UNIX, ERR_CMSG_INVALID_ARG; a system call's
 * error such as EPIPE, EBADF (nothing is sent) or ETOOMANYREFS.
 */
export function sendmsg(
  socket: Fd,
  data: Uint8Array,
  { rights = [] }: { rights?: readonly Fd[] } = {},
): number | undefined {
  const fd = numberOf(socket);
  const fds = rightsToSend(rights);
  if (fds.length > 0) {
    requireData(data);
    requireUnix(fd);
  }
  const sent = native.sendmsg(fd, data, fds);
  return sent < 0 ? undefined : sent;
}

/**
 * recvmsg(2) of at most `length` bytes (64 KiB) and the descriptors beside them, close-on-exec, without waiting. Borrows
 * the socket; the message's descriptors are the caller's.
 *
 * @returns `undefined` when nothing waits (EAGAIN); at the end of a stream, a message without bytes.
 * @throws CmsgError ERR_CMSG_TRUNCATED, ERR_CMSG_FD_COUNT (more than `maxFds`, 253), ERR_CMSG_INVALID_ARG: every
 * descriptor that came is closed, and its bytes are lost; a system call's error such as ECONNRESET.
 */
export function recvmsg(
  socket: Fd,
  { length = SCRATCH_BYTES, maxFds = SCM_MAX_FD }: { length?: number; maxFds?: number } = {},
): Message | undefined {
  if (!Number.isInteger(length) || length < 1) {
    throw new CmsgError("ERR_CMSG_INVALID_ARG", `length is a number of bytes from 1 on; this is ${length}.`);
  }
  // The kernel writes here first: the message's own buffer is made to measure once its size is known.
  const buffer = length <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(length);
  const received = native.recvmsg(numberOf(socket), buffer.subarray(0, length), control);
  if (received < 0) return undefined;
  const fds = takeFds();
  const flags = control[ControlSlot.flags] as number;
  if (flags & MSG_CTRUNC) {
    const count = fds.length;
    closeAll(fds);
    throw new CmsgError(
      "ERR_CMSG_TRUNCATED",
      `The kernel dropped descriptors of a message (MSG_CTRUNC); the ${count} that arrived are closed. ` +
        "The usual cause is this process's limit of open files: raise RLIMIT_NOFILE.",
    );
  }
  if (fds.length > maxFds) {
    const count = fds.length;
    closeAll(fds);
    throw new CmsgError(
      "ERR_CMSG_FD_COUNT",
      `At most ${maxFds} descriptors were expected and ${count} came: all closed.`,
    );
  }
  return new Message(Buffer.from(buffer.subarray(0, received)), fds);
}

const SCRATCH_BYTES = 65536;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
const control = new Int32Array(CONTROL_SLOTS);

function takeFds(): OwnedFd[] {
  const fds: OwnedFd[] = [];
  const count = control[ControlSlot.fdCount] as number;
  for (let i = 0; i < count; i++) {
    fds.push(new OwnedFd(control[ControlSlot.firstFd + i] as number, { untrusted: true }));
  }
  return fds;
}

function requireUnix(fd: number): void {
  if (native.getSocketOption(fd, SO_DOMAIN) === AF_UNIX) return;
  throw new CmsgError(
    "ERR_CMSG_NOT_UNIX",
    "Descriptors travel over Unix sockets only: this socket's family would take them and drop them without a word.",
  );
}
