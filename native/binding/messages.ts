// sendmsg and recvmsg, which are called for every message. Their arguments and results lie in memory that both sides
// share, because one argument or result of N-API costs as much as ten numbers there. A test compares the slots and the
// option bits with native/addon/messages.cc.
import { loadAddon } from "./load.js";

/** Places in `control`, which holds everything of a message but its data. */
export const ControlSlot = {
  // Arguments and the result of one call.
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

/** The kernel's maximum number of descriptors in one message. */
export const SCM_MAX_FD = 253;

/** sizeof(sun_path). */
export const SUN_PATH_BYTES = 108;

/** Everything of a message but its data: `sendmsg` and `closeReceived` read it, `recvmsg` writes it. */
export const control: Int32Array = new Int32Array(ControlSlot.name + SUN_PATH_BYTES / 4);

/** Receives the data of `recvmsg` where it fits. */
export const scratch: Buffer = Buffer.allocUnsafeSlow(65536);

/** Bits of the slot `options` for `recvmsg`. */
export const ReceiveOption = {
  /** Ask for the sender's address. */
  wantName: 1,
} as const;

/** Bits of the slot `options` for `sendmsg`. */
export const SendOption = {
  /** Send the credentials in the slots `pid`, `uid` and `gid`. */
  credentials: 1,
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
    withCredentials?: boolean,
    nameLength?: number,
  ): number;
  /**
   * recvmsg(2) with MSG_DONTWAIT | MSG_CMSG_CLOEXEC of at most `length` bytes into `scratch`, or into `buffer` when they
   * do not fit there: bytes received (0 at the end), or -1 when it would block. `control` is filled as ControlSlot says;
   * every fd in it is owned. Near RLIMIT_NOFILE a message with descriptors is looked at first; when there is no room for
   * them it stays in the socket, and the call fails with EMFILE.
   */
  recvmsg(fd: number, length: number, options: number, buffer?: Uint8Array): number;
  /** Hands over the first `count` descriptors in `control` for closing, those of a message in one step. */
  closeReceived(count: number): void;
}

interface Addon {
  /** Gives the addon the addresses of `control` and `scratch`, once. */
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
  withCredentials = false,
  nameLength = 0,
): number {
  control[ControlSlot.socket] = fd;
  control[ControlSlot.fdCount] = fdCount;
  control[ControlSlot.options] = withCredentials ? SendOption.credentials : 0;
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
