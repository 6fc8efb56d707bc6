// Waiting for the end of a process, by a promise or by its pidfd.
import { type Fd, OwnedFd } from "cmsg";
import { ProcessHandle } from "cmsg/process";
import { closeQuietly, native } from "cmsg-native";

/**
 * Calls `onExit` once when the process has ended. It does not keep the event loop alive.
 *
 * @param pidfd borrowed for the call: a duplicate of it waits
 * @param onFailure called instead when the process cannot be waited for (ENOSPC)
 * @returns what ends the waiting
 * @throws CmsgError ERR_CMSG_NOT_PIDFD; EBADF, EMFILE
 */
export function watchExit(pidfd: Fd, onExit: () => void, onFailure: (error: Error) => void): () => void {
  const process = copyOf(pidfd).unref();
  // Closed: the waiting was ended.
  const unlessEnded = (tell: () => void): void => {
    if (process.closed) return;
    process.close();
    tell();
  };
  process.exited.then(
    () => unlessEnded(onExit),
    (error: Error) => unlessEnded(() => onFailure(error)),
  );
  return () => process.close();
}

function copyOf(pidfd: Fd): ProcessHandle {
  const copy = new OwnedFd(native.dup(typeof pidfd === "number" ? pidfd : pidfd.fd, true));
  try {
    return ProcessHandle.fromFd(copy);
  } catch (error) {
    closeQuietly(() => copy.close());
    throw error;
  }
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
