// Control messages as bytes, cmsg(3), in this host's layout: what sendmsg(2) takes and recvmsg(2) gives as msg_control.
// For those who make that call themselves (through an FFI, say), or look at what another program recorded. The names and
// the results are those of Go's syscall package (sockcmsg_unix.go, sockcmsg_linux.go).
//
//   | cmsg_len: size_t | cmsg_level: int | cmsg_type: int | data, padded to the size of a size_t |
import { endianness } from "node:os";
import type { Credentials } from "cmsg-native";
import { CmsgError } from "../errors.js";
import { type Fd, numberOf } from "../fd/owned-fd.js";
import { checkBytes, checks } from "../options.js";

// The 32-bit architectures that Node has been built for.
const SIZE_BYTES = ["arm", "ia32", "mips", "mipsel", "ppc", "s390"].includes(process.arch) ? 4 : 8;
const LITTLE = endianness() === "LE";
const HEADER_BYTES = SIZE_BYTES + 8;
const INT_BYTES = 4;
const UCRED_BYTES = 12;

const SOL_SOCKET = process.arch.startsWith("mips") ? 0xffff : 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;

/** cmsghdr. */
export interface ControlMessageHeader {
  /** cmsg_len: the header and the data, in bytes, without the padding. */
  length: number;
  /** cmsg_level, such as SOL_SOCKET (1). */
  level: number;
  /** cmsg_type, such as SCM_RIGHTS (1), SCM_CREDENTIALS (2) or SCM_PIDFD (4). */
  type: number;
}

export interface SocketControlMessage {
  header: ControlMessageHeader;
  /** A view of the bytes that were parsed, not a copy. */
  data: Uint8Array;
}

/**
 * CMSG_ALIGN: `bytes` and the padding after them.
 *
 * @param bytes from 0 to 2147483647
 * @throws CmsgError ERR_CMSG_INVALID_ARG
 */
export function cmsgAlign(bytes: number): number {
  checkBytes(bytes);
  return Math.ceil(bytes / SIZE_BYTES) * SIZE_BYTES;
}

/** CMSG_LEN: what cmsg_len says for so many bytes of data. Takes and throws what `cmsgAlign` does. */
export function cmsgLen(dataBytes: number): number {
  checkBytes(dataBytes);
  return cmsgAlign(HEADER_BYTES) + dataBytes;
}

/** CMSG_SPACE: what a control message with so many bytes of data takes up. Takes and throws what `cmsgAlign` does. */
export function cmsgSpace(dataBytes: number): number {
  return cmsgAlign(HEADER_BYTES) + cmsgAlign(dataBytes);
}

/**
 * One SCM_RIGHTS message with `fds`, borrowed: their numbers are written down, nothing is dup'ed.
 *
 * @throws CmsgError ERR_CMSG_INVALID_ARG (no descriptor's number), ERR_CMSG_CLOSED.
 */
export function unixRights(...fds: readonly Fd[]): Buffer {
  const { bytes, data } = allocate(SCM_RIGHTS, fds.length * INT_BYTES);
  for (const [index, fd] of fds.entries()) data.setInt32(index * INT_BYTES, numberOf(fd), LITTLE);
  return bytes;
}

/**
 * One SCM_CREDENTIALS message: struct ucred, unix(7). `pid` is from 0 to 2147483647, `uid` and `gid` from 0 to 4294967295.
 *
 * @throws CmsgError ERR_CMSG_INVALID_ARG
 */
export function unixCredentials({ pid, uid, gid }: Credentials): Buffer {
  checks.whole("pid", pid, { min: 0 });
  checks.u32("uid", uid);
  checks.u32("gid", gid);
  const { bytes, data } = allocate(SCM_CREDENTIALS, UCRED_BYTES);
  data.setInt32(0, pid, LITTLE);
  data.setUint32(4, uid, LITTLE);
  data.setUint32(8, gid, LITTLE);
  return bytes;
}

/**
 * All control messages in `bytes`. Fewer bytes at the end than a header has are padding, as for the C macros.
 *
 * @throws CmsgError ERR_CMSG_MALFORMED: a message's length is shorter than a header, or longer than the bytes.
 */
export function parseSocketControlMessage(bytes: Uint8Array): SocketControlMessage[] {
  const messages: SocketControlMessage[] = [];
  let rest = bytes;
  while (rest.length >= HEADER_BYTES) {
    const { header, data, remainder } = parseOneSocketControlMessage(rest);
    messages.push({ header, data });
    rest = remainder;
  }
  return messages;
}

/**
 * The first control message in `bytes`, and the bytes behind it and its padding.
 *
 * @throws CmsgError ERR_CMSG_MALFORMED, also when there is none.
 */
export function parseOneSocketControlMessage(bytes: Uint8Array): SocketControlMessage & { remainder: Uint8Array } {
  if (bytes.length < HEADER_BYTES) {
    throw malformed(`expected a header of ${HEADER_BYTES} bytes and found ${bytes.length} bytes`);
  }
  const view = viewOf(bytes);
  const length = readSize(view);
  if (length < HEADER_BYTES || length > bytes.length) {
    throw malformed(`its length is ${length}, and it can have from ${HEADER_BYTES} to ${bytes.length} bytes`);
  }
  const header = {
    length,
    level: view.getInt32(SIZE_BYTES, LITTLE),
    type: view.getInt32(SIZE_BYTES + INT_BYTES, LITTLE),
  };
  return {
    header,
    data: bytes.subarray(cmsgAlign(HEADER_BYTES), length),
    remainder: bytes.subarray(cmsgAlign(length)),
  };
}

/**
 * The descriptors' numbers of an SCM_RIGHTS message. As in Go, bytes behind the last whole number are not looked at.
 *
 * @throws CmsgError ERR_CMSG_MALFORMED when it is no SCM_RIGHTS message.
 */
export function parseUnixRights({ header, data }: SocketControlMessage): number[] {
  requireKind(header, SCM_RIGHTS, "SCM_RIGHTS");
  const view = viewOf(data);
  return Array.from({ length: Math.floor(data.length / INT_BYTES) }, (_, i) => view.getInt32(i * INT_BYTES, LITTLE));
}

/**
 * The credentials of an SCM_CREDENTIALS message.
 *
 * @throws CmsgError ERR_CMSG_MALFORMED when it is none, or shorter than a struct ucred: a receive buffer that was too
 * small leaves 8 bytes of it.
 */
export function parseUnixCredentials({ header, data }: SocketControlMessage): Credentials {
  requireKind(header, SCM_CREDENTIALS, "SCM_CREDENTIALS");
  if (data.length < UCRED_BYTES) throw malformed(`expected ${UCRED_BYTES} bytes of credentials, found ${data.length}`);
  const view = viewOf(data);
  return { pid: view.getInt32(0, LITTLE), uid: view.getUint32(4, LITTLE), gid: view.getUint32(8, LITTLE) };
}

function allocate(type: number, dataBytes: number): { bytes: Buffer; data: DataView } {
  const bytes = Buffer.alloc(cmsgSpace(dataBytes));
  const view = viewOf(bytes);
  const length = cmsgLen(dataBytes);
  if (SIZE_BYTES === 8) view.setBigUint64(0, BigInt(length), LITTLE);
  else view.setUint32(0, length, LITTLE);
  view.setInt32(SIZE_BYTES, SOL_SOCKET, LITTLE);
  view.setInt32(SIZE_BYTES + INT_BYTES, type, LITTLE);
  return { bytes, data: viewOf(bytes.subarray(cmsgAlign(HEADER_BYTES))) };
}

// Beyond 2^53 it is no exact number any more, and in any case longer than every buffer.
function readSize(view: DataView): number {
  return SIZE_BYTES === 8 ? Number(view.getBigUint64(0, LITTLE)) : view.getUint32(0, LITTLE);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function requireKind({ level, type }: ControlMessageHeader, wanted: number, name: string): void {
  if (level === SOL_SOCKET && type === wanted) return;
  throw malformed(`expected ${name} (level ${SOL_SOCKET}, type ${wanted}) and found level ${level}, type ${type}`);
}

function malformed(why: string): CmsgError {
  return new CmsgError("ERR_CMSG_MALFORMED", `This is no control message as cmsg(3) describes it: ${why}.`);
}
