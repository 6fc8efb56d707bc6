// sendmsg and recvmsg, which are called for every message: what they take and give lies in memory that both sides know,
// since an argument or a result of N-API costs as much as ten numbers there.
import { loadAddon } from "./load.js";

/** What goes or came beside the data, in `control`. */
export const ControlSlot = {
  // The numbers of one call.
  socket: 0,
  length: 1,
  options: 2,
  result: 3,
  /** msg_flags. */
  flags: 4,
  fdCount: 5,
  /** -1 without one. */
  pidfd: 6,
  hasCredentials: 7,
  pid: 8,
  uid: 9,
  gid: 10,
  /** Bytes of sun_path, which begin at the slot `name`. */
  nameLength: 11,
  firstFd: 12,
  name: 265,
} as const;

/** SCM_MAX_FD: the kernel's limit of descriptors in one message. */
export const SCM_MAX_FD = 253;

/** sizeof(sun_path). */
export const SUN_PATH_BYTES = 108;

/** Where `sendmsg` and `closeReceived` take from and `recvmsg` puts what is no data. */
export const control: Int32Array = new Int32Array(ControlSlot.name + SUN_PATH_BYTES / 4);

/** Where `recvmsg` puts the data when it fits. */
export const scratch: Buffer = Buffer.allocUnsafeSlow(65536);

/** Bits of `recvmsg`'s options. */
export const ReceiveOption = {
  wantName: 1,
  /** At RLIMIT_NOFILE leave a message with descriptors where it is, and fail with EMFILE. Costs a second call. */
  keepWhenFull: 2,
} as const;

export interface MessageFunctions {
  /**
   * sendmsg(2) with MSG_DONTWAIT | MSG_NOSIGNAL of `data` from `offset` on: bytes sent, or -1 when it would block. It
   * borrows the first `fdCount` descriptors in `control`; from there too it takes credentials if told so, and a name of
   * `nameLength` bytes.
   */
  sendmsg(
    fd: number,
    data: Uint8Array,
    offset: number,
    fdCount: number,
    withCredentials?: 0 | 1,
    nameLength?: number,
  ): number;
  /**
   * recvmsg(2) with MSG_DONTWAIT | MSG_CMSG_CLOEXEC of at most `length` bytes into `scratch`, or into `buffer` when they
   * do not fit there: bytes received (0 at the end), or -1 when it would block. `control` is filled as ControlSlot says;
   * every fd in it is owned.
   */
  recvmsg(fd: number, length: number, options: number, buffer?: Uint8Array): number;
  /**
   * close(2) of descriptors that somebody sent, the first `count` in `control`: on another thread where it could wait for
   * a FUSE daemon; the others in one call, where their numbers are neighbours.
   */
  closeReceived(count: number): void;
}

interface Addon {
  /** Tells once where `control` and `scratch` are. */
  share(control: Int32Array, scratch: Uint8Array): void;
  sendmsg(data: Uint8Array): void;
  recvmsg(buffer?: Uint8Array): void;
  closeReceived(): void;
}

const addon = loadAddon() as Addon;
addon.share(control, scratch);
// Taken out of the object that N-API filled: native.ts says why.
const calls = { sendmsg: addon.sendmsg, recvmsg: addon.recvmsg, closeReceived: addon.closeReceived };

function sendmsg(
  fd: number,
  data: Uint8Array,
  offset: number,
  fdCount: number,
  withCredentials: 0 | 1 = 0,
  nameLength = 0,
): number {
  control[ControlSlot.socket] = fd;
  control[ControlSlot.fdCount] = fdCount;
  control[ControlSlot.options] = withCredentials;
  control[ControlSlot.nameLength] = nameLength;
  calls.sendmsg(offset === 0 ? data : data.subarray(offset));
  return control[ControlSlot.result] as number;
}

function recvmsg(fd: number, length: number, options: number, buffer?: Uint8Array): number {
  control[ControlSlot.socket] = fd;
  // No call receives more; a slot has 32 bits.
  control[ControlSlot.length] = Math.min(length, 0x7fffffff);
  control[ControlSlot.options] = options;
  if (length <= scratch.length) calls.recvmsg();
  else calls.recvmsg(buffer);
  return control[ControlSlot.result] as number;
}

function closeReceived(count: number): void {
  control[ControlSlot.fdCount] = count;
  calls.closeReceived();
}

export const messageFunctions: MessageFunctions = { sendmsg, recvmsg, closeReceived };
