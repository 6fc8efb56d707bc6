// The number that the kernel gives to this process alone and never again: the inode of its pidfd on pidfs, Linux 6.9.
import { statfsSync } from "node:fs";
import { native } from "cmsg-native";

// PID_FS_MAGIC. Before pidfs every pidfd had the same inode.
const PIDFS = 0x50494446;

/** undefined where the kernel has none, or what it takes to ask is missing (a seccomp filter, no /proc). */
export function ownPidfdId(): bigint | undefined {
  let pidfd: number | undefined;
  try {
    pidfd = native.openPidfd(process.pid);
    return statfsSync(`/proc/self/fd/${pidfd}`).type === PIDFS ? native.identify(pidfd).ino : undefined;
  } catch {
    return undefined;
  } finally {
    if (pidfd !== undefined) native.close(pidfd);
  }
}
