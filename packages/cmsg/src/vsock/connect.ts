// connect(2) of an AF_VSOCK socket. It is tried once: whether to try again is the caller's to know.
import { native, type VsockAddress } from "cmsg-native";
import { OwnedFd } from "../fd/owned-fd.js";
import { checks } from "../options.js";
import { PendingOperations, WOULD_BLOCK } from "../socket/pending.js";
import { checkVsockAddress, explaining } from "./address.js";
import { VsockStream } from "./vsock-stream.js";

export interface VsockConnectOptions {
  signal?: AbortSignal | undefined;
}

/**
 * Connects to a port of another machine: a guest's by its CID, the host's (2), or one's own (1). CIDs and ports are from 0
 * to 4294967295.
 *
 * @throws CmsgError ERR_CMSG_INVALID_ARG; EAFNOSUPPORT: the kernel has no AF_VSOCK; ENODEV: it has no transport to that
 * CID; ECONNRESET: nobody listens there; ETIMEDOUT: no such guest answers, after the kernel's 2 s; the signal's reason.
 */
export async function connect(address: VsockAddress, { signal }: VsockConnectOptions = {}): Promise<VsockStream> {
  checkVsockAddress(address);
  checks.abortSignal(signal);
  signal?.throwIfAborted();
  const owner = new OwnedFd(explaining(address, () => native.vsockSocket()));
  try {
    if (!explaining(address, () => native.vsockConnect(owner.fd, address.cid, address.port)))
      await established(owner.fd, address, signal);
    return new VsockStream(owner);
  } catch (error) {
    owner.close();
    throw error;
  }
}

async function established(fd: number, address: VsockAddress, signal: AbortSignal | undefined): Promise<void> {
  const watcher = new native.Watcher(fd, () => waiting.ready());
  const waiting = new PendingOperations(() => watcher.watch(false, waiting.waiting));
  const attempt = (): undefined | typeof WOULD_BLOCK =>
    explaining(address, () => native.vsockConnected(fd)) ? undefined : WOULD_BLOCK;
  try {
    await waiting.run({ attempt }, signal);
  } finally {
    watcher.close();
  }
}
