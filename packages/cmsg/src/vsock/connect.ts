// connect(2) of an AF_VSOCK socket, tried once: the caller knows whether to try again.
import { closeQuietly, native, throwIfAborted, type VsockAddress, withRoom } from "cmsg-native";
import { OwnedFd } from "../fd/owned-fd.js";
import { checks } from "../options.js";
import { PendingOperations, WOULD_BLOCK } from "../socket/pending.js";
import { checkVsockAddress, explaining } from "./address.js";

export interface VsockConnectOptions {
  signal?: AbortSignal | undefined;
}

/** A connected socket, the caller's. */
export async function connectedVsock(address: VsockAddress, { signal }: VsockConnectOptions): Promise<OwnedFd> {
  checkVsockAddress(address);
  checks.abortSignal(signal);
  throwIfAborted(signal);
  const owner = new OwnedFd(await withRoom(() => explaining(address, () => native.vsockSocket())));
  try {
    if (!explaining(address, () => native.vsockConnect(owner.fd, address.cid, address.port)))
      await established(owner.fd, address, signal);
    return owner;
  } catch (error) {
    closeQuietly(() => owner.close());
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
