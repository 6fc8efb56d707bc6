// A connected AF_VSOCK socket as a Node stream: net.Socket takes none.
import { closeQuietly, native, type VsockAddress } from "cmsg-native";
import { closeReceived, type OwnedFd } from "../fd/owned-fd.js";
import { DescriptorStream } from "../stream/descriptor-stream.js";
import { connectedVsock, type VsockConnectOptions } from "./connect.js";

/**
 * As `net.Socket`, beyond a Duplex: 'timeout' with `setTimeout`. The writing side ends when the peer's has.
 *
 * Errors: what sendmsg(2) and recvmsg(2) say: EPIPE, ECONNRESET (the peer's machine or hypervisor is gone) …
 */
export class VsockStream extends DescriptorStream {
  /** The address of the other side. */
  readonly peer: VsockAddress;

  private constructor(owner: OwnedFd) {
    super({});
    this.peer = native.vsockPeer(owner.fd);
    this.open(owner);
  }

  /**
   * Connects to a port of another machine: a guest's by its CID, the host's (2), or one's own (1). CIDs and ports are from
   * 0 to 4294967295.
   *
   *     const stream = await VsockStream.connect({ cid: 3, port: 1024 });
   *
   * @throws CmsgError ERR_CMSG_INVALID_ARG; EAFNOSUPPORT: the kernel has no AF_VSOCK; ENODEV: it has no transport to that
   * CID; ECONNRESET: no process listens there; ETIMEDOUT: no such guest answers, after the kernel's 2 s; the signal's
   * reason.
   */
  static async connect(address: VsockAddress, options: VsockConnectOptions = {}): Promise<VsockStream> {
    const owner = await connectedVsock(address, options);
    try {
      return new VsockStream(owner);
    } catch (error) {
      closeQuietly(() => owner.close());
      throw error;
    }
  }

  /** @internal Takes a connected socket; when this throws, it is the caller's again. */
  static create(owner: OwnedFd): VsockStream {
    return new VsockStream(owner);
  }

  protected override deliver(data: Buffer, fds: number[]): boolean {
    // The family carries no descriptors.
    closeReceived(fds);
    return this.give(data);
  }
}
