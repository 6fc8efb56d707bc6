// File descriptor passing over Unix sockets: unix(7), cmsg(3).
export type { Credentials } from "cmsg-native";
export { NativeLoadError } from "cmsg-native";
export type { UnixAddress } from "./address.js";
export { CMSG_ERROR_CODES, CmsgError, type CmsgErrorCode, type SyscallError } from "./errors.js";
export { MAX_NAME_BYTES, type ReceivedFile, recvFile, sendFile } from "./file.js";
export { Message, recvmsg, sendmsg } from "./message.js";
export { type Fd, OwnedFd } from "./owned-fd.js";
export { type ListenOptions, UnixServer } from "./unix-server.js";
export { type ReceiveOptions, UnixSocket } from "./unix-socket.js";
