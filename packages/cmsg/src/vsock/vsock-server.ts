// A listening AF_VSOCK socket.
import { native, type VsockAddress } from "cmsg-native";
import { OwnedFd } from "../fd/owned-fd.js";
import { SocketServer } from "../socket/socket-server.js";
import { CID_ANY, checkVsockAddress, explaining, PORT_ANY } from "./address.js";
import { VsockStream } from "./vsock-stream.js";

export interface VsockListenOptions {
  /** Which of this machine's CIDs; all of them by default. */
  cid?: number | undefined;
  /** One that is free by default. Below 1024 it takes CAP_NET_BIND_SERVICE. */
  port?: number | undefined;
  /** How many connections the kernel holds until they are accepted: listen(2). 511 by default, as in Node's net. */
  backlog?: number | undefined;
}

export class VsockServer extends SocketServer<VsockStream> {
  /** What it is bound to. */
  readonly address: VsockAddress;

  /** Use `listen()`. Takes a listening socket; when this throws, it is the caller's again. */
  constructor(owner: OwnedFd) {
    super(owner);
    this.address = native.vsockName(owner.fd);
  }

  protected override connectionOf(owner: OwnedFd): VsockStream {
    return new VsockStream(owner);
  }
}

/**
 * bind(2) and listen(2).
 *
 * @throws CmsgError ERR_CMSG_INVALID_ARG; EAFNOSUPPORT: the kernel has no AF_VSOCK; EADDRNOTAVAIL: the CID is not this
 * machine's; EADDRINUSE, EACCES.
 */
export async function listen({
  cid = CID_ANY,
  port = PORT_ANY,
  backlog = 511,
}: VsockListenOptions = {}): Promise<VsockServer> {
  const address = { cid, port };
  checkVsockAddress(address);
  const owner = new OwnedFd(explaining(address, () => native.vsockSocket()));
  try {
    explaining(address, () => native.vsockBind(owner.fd, cid, port));
    native.listen(owner.fd, backlog);
    return new VsockServer(owner);
  } catch (error) {
    owner.close();
    throw error;
  }
}
