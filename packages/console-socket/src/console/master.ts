// What a received descriptor must show before it is used as a console's master (ptmx).
//
// The order matters: a file on a FUSE mount blocks fstat and every ioctl for as long as its daemon likes, so the one
// question that asks no daemon comes first, and no ioctl goes to anything but a character device 5:2. The name of the
// terminal (ptsname) is never asked: it belongs to the container's mount namespace and means something else here.
import { type FileIdentity, native, O_ACCMODE, O_RDWR } from "cmsg-native";
import { ConsoleSocketError } from "../errors.js";

/**
 * @param fd borrowed
 * @throws ConsoleSocketError ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED
 */
export function checkMaster(fd: number): void {
  const identity = native.identify(fd);
  if (!isPtmx(identity)) {
    throw notAPty(`it is ${describe(identity)}`);
  }
  // O_PATH handles and one-way opens fail here.
  const flags = native.getStatusFlags(fd);
  if ((flags & O_ACCMODE) !== O_RDWR) throw notAPty("it is a ptmx that is not open for reading and writing");
  const ask = (question: (fd: number) => number): number => {
    try {
      return question(fd);
    } catch (cause) {
      throw notAPty("it is a character device 5:2 that does not answer as a PTY master", cause);
    }
  };
  ask(native.getPtyNumber);
  if (ask(native.getPacketMode) !== 0)
    throw tampered("packet mode (TIOCPKT) is on, which mixes status bytes into the output");
  if (ask(native.getLineDiscipline) !== 0) throw tampered("its line discipline is not N_TTY");
}

// inode(7).
const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
const KINDS = new Map([
  [0o010000, "a FIFO or pipe"],
  [S_IFCHR, "a character device"],
  [0o040000, "a directory"],
  [0o060000, "a block device"],
  [0o100000, "a regular file"],
  [0o120000, "a symbolic link"],
  [0o140000, "a socket"],
]);

function isPtmx({ mode, rdevMajor, rdevMinor }: FileIdentity): boolean {
  return (mode & S_IFMT) === S_IFCHR && rdevMajor === 5 && rdevMinor === 2;
}

function describe({ mode, rdevMajor, rdevMinor }: FileIdentity): string {
  const kind = mode & S_IFMT;
  const name = KINDS.get(kind) ?? "an anonymous descriptor (epoll, pidfd, eventfd …)";
  return kind === S_IFCHR ? `${name} ${rdevMajor}:${rdevMinor}` : name;
}

function notAPty(seen: string, cause?: unknown): ConsoleSocketError {
  const message = `Expected the master of a pseudo-terminal (character device 5:2, O_RDWR); ${seen}.`;
  return new ConsoleSocketError("ERR_CONSOLE_NOT_A_PTY", message, cause === undefined ? {} : { cause });
}

function tampered(seen: string): ConsoleSocketError {
  return new ConsoleSocketError("ERR_CONSOLE_TAMPERED", `The console's master was changed before it arrived: ${seen}.`);
}
