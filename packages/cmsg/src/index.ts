// File descriptor passing over Unix sockets: unix(7), cmsg(3).
export type { Credentials } from "cmsg-native";
export { NativeLoadError } from "cmsg-native";
export type { UnixAddress } from "./address.js";
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
} from "./codec.js";
export type { ConnectOptions } from "./connect.js";
export { CMSG_ERROR_CODES, CmsgError, type CmsgErrorCode, type SyscallError } from "./errors.js";
export { MAX_NAME_BYTES, type ReceivedFile, recvFile, sendFile } from "./file.js";
export { Message, type RecvmsgOptions, recvmsg, type SendmsgOptions, sendmsg } from "./message.js";
export { type Fd, OwnedFd, type OwnedFdOptions } from "./owned-fd.js";
export type { PassOptions } from "./passing.js";
export type { SendOptions } from "./sender.js";
export type { BindOptions } from "./socket-file.js";
export type { SocketType } from "./socket-type.js";
export { type ListenOptions, UnixServer } from "./unix-server.js";
export { type BindSocketOptions, type ReceiveOptions, UnixSocket } from "./unix-socket.js";
export { UnixStream, type UnixStreamOptions, type UnixStreamTarget } from "./unix-stream.js";
