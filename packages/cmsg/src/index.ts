// File descriptor passing over Unix sockets: unix(7), cmsg(3).
export type { ClosingState, Credentials } from "cmsg-native";
export { NativeLoadError } from "cmsg-native";
export type { UnixAddress } from "./address/unix-address.js";
export { CMSG_ERROR_CODES, CmsgError, type CmsgErrorCode, type SyscallError } from "./errors.js";
export { closed, closing } from "./fd/closing.js";
export { type Fd, OwnedFd, type OwnedFdOptions } from "./fd/owned-fd.js";
export {
  type ControlMessageHeader,
  cmsgAlign,
  cmsgLen,
  cmsgSpace,
  parseOneSocketControlMessage,
  parseSocketControlMessage,
  parseUnixCredentials,
  parseUnixRights,
  type SocketControlMessage,
  unixCredentials,
  unixRights,
} from "./message/codec.js";
export { Message, type RecvmsgOptions, recvmsg, type SendmsgOptions, sendmsg } from "./message/message.js";
export type { ConnectOptions } from "./socket/connect.js";
export { MAX_NAME_BYTES, type ReceivedFile, recvFile, sendFile } from "./socket/file.js";
export type { PassOptions } from "./socket/passing.js";
export type { SendOptions } from "./socket/sender.js";
export type { BindOptions } from "./socket/socket-file.js";
export type { SocketType } from "./socket/socket-type.js";
export { type ListenOptions, UnixServer } from "./socket/unix-server.js";
export { type BindSocketOptions, type ReceiveOptions, UnixSocket } from "./socket/unix-socket.js";
export { UnixStream, type UnixStreamOptions, type UnixStreamTarget } from "./stream/unix-stream.js";
