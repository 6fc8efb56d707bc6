// Waiting for the end of a process, by a promise or by its pidfd, pidfd_open(2), which becomes readable at the end.
import { type Fd, OwnedFd } from "cmsg";
import { closeQuietly, native } from "cmsg-native";

/**
 * Calls `onExit` once when the process has ended. It does not keep the event loop alive.
 *
 * @param pidfd borrowed for the call: a duplicate of it waits
 * @returns what ends the waiting
 * @throws EPERM: it is nothing that can be waited for
 */
export function watchExit(pidfd: Fd, onExit: () => void): () => void {
  const copy = new OwnedFd(native.dup(typeof pidfd === "number" ? pidfd : pidfd.fd));
  const stop = (): void => {
    watcher.close();
    closeQuietly(() => copy.close());
  };
  const watcher = new native.Watcher(copy.fd, () => {
    stop();
    onExit();
  });
  watcher.setRef(false);
  try {
    watcher.watch(true, false);
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}

/** Calls `onExit` once when the promise has settled, either way; returns what ends the waiting. */
export function watchPromise(exited: Promise<unknown>, onExit: () => void): () => void {
  let waiting = true;
  const settled = (): void => {
    if (waiting) onExit();
  };
  exited.then(settled, settled);
  return () => {
    waiting = false;
  };
}
