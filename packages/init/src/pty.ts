// A terminal of one's own in a root file system that is not to be trusted: what console-init does, for an init that is
// itself written in Node.
import { fchownSync } from "node:fs";
import { OwnedFd } from "cmsg";
import { native, type PtyFailure, PtyProblem } from "cmsg-native";
import { InitError } from "./errors.js";
import { checks } from "./options.js";
import type { WindowSize } from "./window-size.js";

export interface Pty extends Disposable {
  /** The controlling side (runc's documentation: master): what `sendConsole` sends. */
  ptmx: OwnedFd;
  /** The terminal itself: what `setupConsole` takes. */
  peer: OwnedFd;
}

export interface OpenPtyOptions {
  /** Another multiplexer than /dev/pts/ptmx, whose terminals are those of /dev/pts all the same: the host's /dev/ptmx. */
  ptmx?: string | undefined;
  /** 1 to 65535 columns and rows; 0x0 without it. */
  initialSize?: WindowSize | undefined;
  /** The user the terminal is given to, from 0 to 4294967294. Where that is not permitted it stays as it is, as with the runtimes. */
  owner?: number | undefined;
}

/**
 * Opens a new terminal. Neither /dev, /dev/pts nor what is mounted there is believed; nothing is opened that is not the
 * right device. Both ends are the caller's, close-on-exec.
 *
 * @throws InitError ERR_INIT_NOT_DEVPTS, ERR_INIT_NOT_PTMX, ERR_INIT_MOUNTED_OVER, ERR_INIT_OTHER_DEVPTS,
 * ERR_INIT_NO_PROC, ERR_INIT_INVALID_ARG; EACCES (a devpts mounted ptmxmode=000), ENOSPC …
 */
export function openPty({ ptmx: through, initialSize, owner }: OpenPtyOptions = {}): Pty {
  if (initialSize !== undefined) checks.size("initialSize", initialSize);
  if (owner !== undefined) checks.id("owner", owner);
  const opened = native.openPty(through);
  if ("problem" in opened) throw failure(opened);
  const ptmx = new OwnedFd(opened.ptmx);
  const peer = new OwnedFd(opened.peer);
  const close = () => {
    try {
      ptmx.close();
    } finally {
      peer.close();
    }
  };
  try {
    if (initialSize) native.setWindowSize(ptmx.fd, initialSize.columns, initialSize.rows);
    if (owner !== undefined) giveTo(owner, peer);
  } catch (error) {
    close();
    throw error;
  }
  return { ptmx, peer, [Symbol.dispose]: close };
}

function giveTo(owner: number, peer: OwnedFd): void {
  try {
    fchownSync(peer.fd, owner, -1); // its group is the one of the devpts' mount option
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "EROFS") throw error;
  }
}

const MOUNT_ONE = "Mount one: mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts";

function failure(seen: PtyFailure): Error {
  const { problem, path } = seen;
  switch (problem) {
    case PtyProblem.directory:
    case PtyProblem.notDevpts: {
      const found =
        problem === PtyProblem.directory ? kindOf(seen) : `a file system of type 0x${seen.filesystem.toString(16)}`;
      return new InitError("ERR_INIT_NOT_DEVPTS", `Expected a devpts at /dev/pts; ${path} is ${found}. ${MOUNT_ONE}`);
    }
    case PtyProblem.mountedOver:
      return new InitError(
        "ERR_INIT_MOUNTED_OVER",
        `Expected the devpts' own device at ${path}; something is mounted over it: ${kindOf(seen)}. Unmount that.`,
      );
    case PtyProblem.wrongFile:
      return new InitError(
        "ERR_INIT_NOT_PTMX",
        `Expected the terminal multiplexer, character device 5:2, at ${path}; it is ${kindOf(seen)}.`,
      );
    case PtyProblem.noProc:
      return new InitError(
        "ERR_INIT_NO_PROC",
        `Expected openat2 or a proc file system on /proc to open ${path} safely; neither is there. Mount /proc.`,
      );
    case PtyProblem.peerElsewhere:
      return new InitError(
        "ERR_INIT_OTHER_DEVPTS",
        `Expected a terminal of the devpts on /dev/pts; ${path} gives one of another devpts.`,
      );
    default:
      return syscallError(problem === PtyProblem.open ? "open" : "ioctl", seen);
  }
}

function syscallError(syscall: string, { errno, path }: PtyFailure): Error {
  const failure = native.makeError(errno, syscall);
  failure.message += ` ${path}`;
  return Object.assign(failure, { path });
}

const KINDS = new Map([
  [0o120000, "a symbolic link"],
  [0o100000, "a regular file"],
  [0o040000, "a directory"],
  [0o010000, "a FIFO"],
  [0o140000, "a socket"],
  [0o020000, "character device"],
  [0o060000, "block device"],
]);

function kindOf({ mode, rdevMajor, rdevMinor, errno }: PtyFailure): string {
  const kind = KINDS.get(mode & 0o170000);
  // A directory is what had to be there: then it is the error that tells.
  if (!kind || kind === "a directory") return errno ? native.makeError(errno, "open").code : "an unknown kind of file";
  return kind.endsWith("device") ? `${kind} ${rdevMajor}:${rdevMinor}` : kind;
}
