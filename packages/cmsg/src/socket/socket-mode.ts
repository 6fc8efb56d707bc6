// The exact permissions of a socket's file. bind(2) makes the file with the socket's mode less the umask: at no moment more
// open than asked for. What the umask took is given back afterwards, before listen(2).
//
// In a directory that others can write, the path can lead to another file by then. So the file is opened with O_PATH, which
// opens nothing of it, looked at, and changed through /proc/self/fd: what was looked at is what is changed.
import { chmodSync, closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";
import { O_PATH } from "../address/unix-address.js";

const PERMISSIONS = 0o7777;

export function hasMode(file: Stats, mode: number): boolean {
  return (file.mode & PERMISSIONS) === mode;
}

/**
 * chmod(2) of the socket file at `path`, when it is ours.
 *
 * @returns false when it is not, and nothing was changed.
 * @throws ENOENT, EMFILE …; EPERM; ENOENT without /proc.
 */
export function makeExact(path: string, mode: number, bound: Stats): boolean {
  const handle = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    const file = fstatSync(handle);
    if (!isOurs(file, mode) || file.ino !== bound.ino || file.dev !== bound.dev) return false;
    chmodSync(`/proc/self/fd/${handle}`, mode);
    return true;
  } finally {
    closeSync(handle);
  }
}

// Another process cannot make a socket of this user. It can put another one of this user's there: by link(2), which leaves
// two names, or by rename(2) from a directory that it can write as well, where no private socket belongs.
function isOurs(file: Stats, mode: number): boolean {
  const lessThanAsked = (file.mode & PERMISSIONS & ~mode) === 0;
  return file.isSocket() && file.uid === process.geteuid?.() && file.nlink === 1 && lessThanAsked;
}
