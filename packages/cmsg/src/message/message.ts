// sendmsg(2) and recvmsg(2) with descriptors: one system call each, never waiting.
import { inspect, types } from "node:util";
import {
  AF_UNIX,
  ControlSlot,
  type Credentials,
  control,
  MSG_CTRUNC,
  MSG_TRUNC,
  native,
  ReceiveOption,
  SCM_MAX_FD,
  SO_DOMAIN,
  SUN_PATH_BYTES,
  scratch,
  waitingForRoom,
} from "cmsg-native";
import { addressOf, type UnixAddress } from "../address/unix-address.js";
import { CmsgError } from "../errors.js";
import { closeAll, type Fd, numberOf, OwnedFd, RECEIVED } from "../fd/owned-fd.js";
import { checkCredentials, checkLength, checkMaxFds, checks } from "../options.js";

/** What one recvmsg(2) gave. On a stream the descriptors came with the first byte of their sender's message. */
export class Message implements Disposable {
  readonly data: Buffer;
  /** The caller's to close. What is taken out of this array survives the message's disposal. */
  readonly fds: OwnedFd[];
  /** The sender's, vouched for by the kernel: on a socket with `passCredentials`. */
  readonly credentials: Credentials | undefined;
  /** The sender's process, pidfd_open(2), the caller's to close: on a socket with `passPidfd`. */
  readonly pidfd: OwnedFd | undefined;
  /** The sender's address, where it has one: of datagrams. */
  readonly from: UnixAddress | undefined;

  constructor(
    data: Buffer,
    fds: OwnedFd[],
    { credentials, pidfd, from }: { credentials?: Credentials; pidfd?: OwnedFd; from?: UnixAddress } = NOTHING,
  ) {
    this.data = data;
    this.fds = fds;
    this.credentials = credentials;
    this.pidfd = pidfd;
    this.from = from;
  }

  /** Closes the descriptors that are still in `fds`, and the pidfd. */
  [Symbol.dispose](): void {
    closeAll(this.fds);
    this.pidfd?.close();
  }
}

const NOTHING = {};

export function checkCount(fds: readonly Fd[]): void {
  if (!Array.isArray(fds)) throw checks.refusal("fds", "an array of descriptors", fds);
  if (fds.length <= SCM_MAX_FD) return;
  throw new CmsgError(
    "ERR_CMSG_FD_COUNT",
    `One message carries at most ${SCM_MAX_FD} descriptors (SCM_MAX_FD); these are ${fds.length}. Send several messages.`,
  );
}

export function requireBytes(data: Uint8Array): void {
  // The second is for those of other realms.
  if (data instanceof Uint8Array || types.isUint8Array(data)) return;
  throw new CmsgError("ERR_CMSG_INVALID_ARG", `Bytes are a Uint8Array, such as a Buffer; this is ${inspect(data)}.`);
}

export function requireData(data: Uint8Array): void {
  requireBytes(data);
  if (data.length > 0) return;
  throw new CmsgError(
    "ERR_CMSG_NO_DATA",
    "A message needs at least one byte: without one a stream drops its descriptors without a word, and an empty " +
      "record looks like the end.",
  );
}

export interface SendmsgOptions {
  /** SCM_RIGHTS, borrowed: at most 253. */
  rights?: readonly Fd[] | undefined;
  /** SCM_CREDENTIALS: EPERM unless they are this process's own, or it may claim others. */
  credentials?: Credentials | undefined;
}

/**
 * sendmsg(2) of `data` with `rights` as SCM_RIGHTS, without waiting. Borrows the socket and the descriptors.
 *
 * @returns the number of bytes sent, which on a stream can be fewer than given: the descriptors went with the first
 * ones, so send the rest without. `undefined` when there is no room (EAGAIN): nothing was sent.
 * @throws CmsgError ERR_CMSG_NO_DATA, ERR_CMSG_FD_COUNT, ERR_CMSG_NOT_UNIX, ERR_CMSG_INVALID_ARG; a system call's
 * error such as EPIPE, EBADF (nothing is sent), ETOOMANYREFS (unix(7): too many descriptors on their way) or EPERM (the
 * receiver takes none).
 */
export function sendmsg(socket: Fd, data: Uint8Array, options: SendmsgOptions = NOTHING): number | undefined {
  const { rights, credentials } = options;
  const fd = numberOf(socket);
  const count = rights === undefined ? 0 : putRights(rights);
  if (count > 0) {
    requireData(data);
    requireUnix(socket, fd);
  } else {
    requireBytes(data);
  }
  if (credentials) putCredentials(credentials);
  const sent = native.sendmsg(fd, data, 0, count, credentials !== undefined);
  return sent < 0 ? undefined : sent;
}

/** Where native.sendmsg takes them from; the count. */
export function putRights(rights: readonly Fd[]): number {
  checkCount(rights);
  const count = rights.length;
  for (let i = 0; i < count; i++) control[ControlSlot.firstFd + i] = numberOf(rights[i] as Fd);
  return count;
}

export function putCredentials(credentials: Credentials): void {
  checkCredentials(credentials);
  const { pid, uid, gid } = credentials;
  control[ControlSlot.pid] = pid;
  control[ControlSlot.uid] = uid;
  control[ControlSlot.gid] = gid;
}

export function putName(sunPath: Uint8Array): number {
  names.set(sunPath);
  return sunPath.length;
}

export interface RecvmsgOptions {
  /** Maximum number of bytes, from 1 to 2147483647 (default 65536). */
  length?: number | undefined;
  /** Maximum number of descriptors, from 0 to 253, the kernel's limit (default 253). A message with more is refused. */
  maxFds?: number | undefined;
  /** Ask for the sender's address (`from`), which datagrams have. */
  from?: boolean | undefined;
}

/**
 * recvmsg(2) of at most `length` bytes and the descriptors beside them, close-on-exec, without waiting. Borrows the
 * socket; the message's descriptors are the caller's.
 *
 * @returns `undefined` when nothing waits (EAGAIN); at the end of a stream, a message without bytes.
 * @throws CmsgError ERR_CMSG_TRUNCATED (MSG_CTRUNC), ERR_CMSG_DATA_TRUNCATED (a record longer than `length`),
 * ERR_CMSG_FD_COUNT (more than `maxFds`): every descriptor that came is closed, and the bytes are lost;
 * ERR_CMSG_INVALID_ARG; EMFILE: this process has too many files open for the message's descriptors, and the message waits
 * in the socket; a system call's error such as ECONNRESET.
 */
export function recvmsg(socket: Fd, options: RecvmsgOptions = NOTHING): Message | undefined {
  return receiveWithRoom(numberOf(socket), options, options.from === true ? ReceiveOption.wantName : 0);
}

/** @param flags of `ReceiveOption`. */
export function receiveMessage(
  socket: number,
  { length = scratch.length, maxFds = SCM_MAX_FD }: RecvmsgOptions,
  flags: number,
): Message | undefined {
  checkLength(length);
  checkMaxFds(maxFds);
  // The kernel writes here first: the message's own buffer is made to measure once its size is known.
  const buffer = length <= scratch.length ? scratch : Buffer.allocUnsafeSlow(length);
  const received = native.recvmsg(socket, length, flags, buffer);
  if (received < 0) return undefined;
  const fds = takeFds(control[ControlSlot.fdCount] as number);
  const truncated = (control[ControlSlot.flags] as number) & (MSG_CTRUNC | MSG_TRUNC);
  const data = copyOf(buffer, received);
  // A pidfd may be an error's negative number: the sender is gone, say.
  const rest = control[ControlSlot.hasCredentials] !== 0 || (control[ControlSlot.pidfd] as number) >= 0;
  const message =
    rest || flags & ReceiveOption.wantName ? new Message(data, fds, takeTheRest()) : new Message(data, fds);
  if (truncated !== 0 || fds.length > maxFds) throw refusal(message, truncated, maxFds);
  return message;
}

// A message that has no room stays in the socket, so the call can be repeated. A loop that receives and closes faster than
// the closing thread gets a processor would meet the limit of open files otherwise.
const receiveWithRoom: typeof receiveMessage = waitingForRoom(receiveMessage);

// copy() makes a view of the source first, which costs more than the bytes of a short message.
const MAX_SHORT_BYTES = 64;

// As a global, Buffer is a getter of Node's.
const { allocUnsafe } = Buffer;

/** The first `length` bytes, in memory of their own. */
export function copyOf(source: Buffer, length: number): Buffer {
  const copy = allocUnsafe(length);
  if (length > MAX_SHORT_BYTES) source.copy(copy, 0, 0, length);
  else for (let i = 0; i < length; i++) copy[i] = source[i] as number;
  return copy;
}

function takeFds(count: number): OwnedFd[] {
  // Made to measure: an empty array that grows begins with room for 17.
  const fds = new Array<OwnedFd>(count);
  for (let i = 0; i < count; i++) fds[i] = new OwnedFd(control[ControlSlot.firstFd + i] as number, RECEIVED);
  return fds;
}

const names = new Uint8Array(control.buffer, ControlSlot.name * 4, SUN_PATH_BYTES);

function takeTheRest(): { credentials?: Credentials; pidfd?: OwnedFd; from?: UnixAddress } {
  const slot = (index: number): number => control[index] as number;
  const rest: { credentials?: Credentials; pidfd?: OwnedFd; from?: UnixAddress } = {};
  if (slot(ControlSlot.hasCredentials) !== 0) {
    // Ids are unsigned, the slots are not.
    const [uid, gid] = [slot(ControlSlot.uid) >>> 0, slot(ControlSlot.gid) >>> 0];
    rest.credentials = { pid: slot(ControlSlot.pid), uid, gid };
  }
  if (slot(ControlSlot.pidfd) >= 0) rest.pidfd = new OwnedFd(slot(ControlSlot.pidfd), RECEIVED);
  const from = addressOf(Buffer.from(names.subarray(0, slot(ControlSlot.nameLength))));
  if (from !== undefined) rest.from = from;
  return rest;
}

/** Closes what came. */
function refusal(message: Message, truncated: number, maxFds: number): CmsgError {
  const count = message.fds.length;
  message[Symbol.dispose]();
  if (truncated & MSG_CTRUNC) {
    return new CmsgError(
      "ERR_CMSG_TRUNCATED",
      `The kernel dropped descriptors of a message (MSG_CTRUNC); the ${count} that arrived are closed. ` +
        "The usual cause is this process's limit of open files: raise RLIMIT_NOFILE.",
    );
  }
  if (truncated & MSG_TRUNC) {
    return new CmsgError(
      "ERR_CMSG_DATA_TRUNCATED",
      `A record was longer than the ${message.data.length} bytes asked for, and its tail is lost (MSG_TRUNC); its ` +
        `${count} descriptors are closed. Receive with a larger length.`,
    );
  }
  return new CmsgError(
    "ERR_CMSG_FD_COUNT",
    `At most ${maxFds} descriptors were expected and ${count} came: all closed.`,
  );
}

// An owner's number stays the same socket for as long as it owns it, so one look is enough for it.
const known = new WeakSet<OwnedFd>();

function requireUnix(socket: Fd, fd: number): void {
  if (typeof socket !== "number" && known.has(socket)) return;
  if (native.getSocketOption(fd, SO_DOMAIN) !== AF_UNIX) {
    throw new CmsgError(
      "ERR_CMSG_NOT_UNIX",
      "Descriptors travel over Unix sockets only: this socket's family would take them and drop them without a word.",
    );
  }
  if (typeof socket !== "number") known.add(socket);
}
