// A connected AF_VSOCK socket as a Node stream: net.Socket takes none.
import { native, type VsockAddress } from "cmsg-native";
import { closeReceived, type OwnedFd } from "../fd/owned-fd.js";
import { DescriptorStream } from "../stream/descriptor-stream.js";

/**
 * As `net.Socket`, beyond a Duplex: 'timeout' with `setTimeout`. The writing side ends when the peer's has.
 *
 * Errors: what sendmsg(2) and recvmsg(2) say: EPIPE, ECONNRESET (the peer's machine or hypervisor is gone) …
 */
export class VsockStream extends DescriptorStream {
  /** The address of the other side. */
  readonly peer: VsockAddress;

  /** Use `connect()`, or `VsockServer.accept()`. Takes a connected socket; when this throws, it is the caller's again. */
  constructor(owner: OwnedFd) {
    super({});
    this.peer = native.vsockPeer(owner.fd);
    this.open(owner);
  }

  protected override deliver(data: Buffer, fds: number[]): boolean {
    // The family carries no descriptors.
    closeReceived(fds);
    return this.push(data);
  }
}
