// A listening AF_VSOCK socket.
import { closeQuietly, native, type VsockAddress, withRoom } from "cmsg-native";
import { OwnedFd } from "../fd/owned-fd.js";
import { checkBacklog } from "../options.js";
import { SocketServer } from "../socket/socket-server.js";
import { CID_ANY, checkVsockAddress, explaining, PORT_ANY } from "./address.js";
import { VsockStream } from "./vsock-stream.js";

export interface VsockListenOptions {
  /** One of this machine's CIDs, from 0 to 4294967295 (default `CID_ANY`: all of them). */
  cid?: number | undefined;
  /** Port, from 0 to 4294967295 (default `PORT_ANY`: one that is free). Below 1024 it takes CAP_NET_BIND_SERVICE. */
  port?: number | undefined;
  /**
   * Number of connections that the kernel holds until they are accepted, listen(2): from 0, which holds one, to 2147483647
   * (default 511, as in Node's net). The kernel lowers it to net.core.somaxconn.
   */
  backlog?: number | undefined;
}

export class VsockServer extends SocketServer<VsockStream> {
  /** What it is bound to. */
  readonly address: VsockAddress;

  private constructor(owner: OwnedFd) {
    super(owner);
    this.address = native.vsockName(owner.fd);
  }

  /**
   * Listens on a port of this machine: bind(2) and listen(2).
   *
   *     using server = await VsockServer.listen({ port: 1024 });
   *     const stream = await server.accept();
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG; EAFNOSUPPORT: the kernel has no AF_VSOCK; EADDRNOTAVAIL: the CID is not this
   * machine's; EADDRINUSE, EACCES.
   */
  static async listen({
    cid = CID_ANY,
    port = PORT_ANY,
    backlog = 511,
  }: VsockListenOptions = {}): Promise<VsockServer> {
    const address = { cid, port };
    checkVsockAddress(address);
    checkBacklog(backlog);
    const owner = new OwnedFd(await withRoom(() => explaining(address, () => native.vsockSocket())));
    try {
      explaining(address, () => native.vsockBind(owner.fd, cid, port));
      native.listen(owner.fd, backlog);
      return new VsockServer(owner);
    } catch (error) {
      closeQuietly(() => owner.close());
      throw error;
    }
  }

  protected override connectionOf(owner: OwnedFd): VsockStream {
    return VsockStream.create(owner);
  }
}
