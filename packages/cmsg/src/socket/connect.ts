// connect(2) of a socket of our own.
import { setTimeout as delay } from "node:timers/promises";
import { closeQuietly, native, throwIfAborted, withRoom } from "cmsg-native";
import { checkAddress, connectTo, type UnixAddress } from "../address/unix-address.js";
import { OwnedFd } from "../fd/owned-fd.js";
import { checks } from "../options.js";
import { type PassOptions, setPassing } from "./passing.js";
import { numberOfType, type SocketType } from "./socket-type.js";

// How long to wait before asking again whether a full backlog has room: the kernel has no event for it.
const BACKLOG_RETRY_MS = 10;

export interface ConnectOptions extends PassOptions {
  /** "stream" by default. */
  type?: SocketType | undefined;
  signal?: AbortSignal | undefined;
}

/** A connected socket, the caller's. Waits while the listener's backlog is full. */
export async function connectedFd(address: UnixAddress, options: ConnectOptions): Promise<OwnedFd> {
  const { type = "stream", signal } = options;
  checks.abortSignal(signal);
  throwIfAborted(signal);
  checkAddress(address);
  const owner = new OwnedFd(await withRoom(() => native.socket(numberOfType(type))));
  try {
    setPassing(owner.fd, options);
    while (!connectTo(owner.fd, address)) await delay(BACKLOG_RETRY_MS, undefined, { signal });
    return owner;
  } catch (error) {
    closeQuietly(() => owner.close());
    throwIfAborted(signal);
    throw error;
  }
}
