// AF_VSOCK, vsock(7): streams between a host and its virtual machines.
export type { VsockAddress } from "cmsg-native";
export { CID_ANY, CID_HOST, CID_LOCAL, PORT_ANY } from "./address.js";
export type { VsockConnectOptions } from "./connect.js";
export { type VsockListenOptions, VsockServer } from "./vsock-server.js";
export { VsockStream } from "./vsock-stream.js";
