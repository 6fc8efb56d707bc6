// Whether Node has made streams of this process's 0, 1 and 2 that would not follow a dup2(2). The getters of `process`
// keep to themselves whether they were used, so this looks at what using them leaves behind:
//
// - A terminal is opened a second time by libuv (uv_tty_init), to be non-blocking alone: the stream has that number.
// - A pipe that is read stands in the event loop's epoll, by its open file: the new one would never be looked at.
// - A pipe or socket as standard input is made non-blocking. Reading from it later would put whatever was taken over
//   into the epoll, and a plain file there aborts the process.
//
// Streams of output on pipes and files only write to their number, and go on with what is there.
import { constants, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { type FileIdentity, native } from "cmsg-native";
import { CmsgError } from "../errors.js";

// Linux's number on every architecture that Node runs on.
const O_NONBLOCK = 0o4000;

/** @throws CmsgError ERR_CMSG_STDIO_IN_USE */
export function refuseUsedStreams(): void {
  if (!isMainThread) throw inUse("this is a Worker, and standard streams belong to the whole process");
  const numbers = readdirSync("/proc/self/fd").map(Number);
  const polled = numbers.flatMap(polledBy);
  for (const [standard, name] of ["stdin", "stdout", "stderr"].entries()) {
    const file = identify(standard);
    if (!file) continue; // closed, which dup2 does not mind
    if (polled.includes(standard)) throw inUse(`descriptor ${standard} is in the event loop: process.${name} is read`);
    if (standard === 0 && isPipe(file) && native.getStatusFlags(0) & O_NONBLOCK) {
      throw inUse("descriptor 0 is a pipe and non-blocking, as it becomes when process.stdin is used");
    }
    if (!isTerminal(standard, file)) continue;
    const second = numbers.find((number) => number > 2 && isSameDevice(identify(number), file));
    if (second !== undefined) {
      throw inUse(
        `descriptor ${second} is the terminal of ${standard}, opened again, as a used process.${name} has it`,
      );
    }
  }
}

function polledBy(fd: number): number[] {
  try {
    if (readlinkSync(`/proc/self/fd/${fd}`) !== "anon_inode:[eventpoll]") return [];
    const info = readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
    return [...info.matchAll(/^tfd:\s*(\d+)/gm)].map((match) => Number(match[1]));
  } catch {
    return []; // closed between the calls, as the directory's own descriptor is
  }
}

// Not fstat(2): among this process's descriptors may be one whose file system does not answer.
function identify(fd: number): FileIdentity | undefined {
  try {
    return native.identify(fd);
  } catch {
    return undefined;
  }
}

function typeOf({ mode }: FileIdentity): number {
  return mode & constants.S_IFMT;
}

function isPipe(file: FileIdentity): boolean {
  return typeOf(file) === constants.S_IFIFO || typeOf(file) === constants.S_IFSOCK;
}

function isTerminal(fd: number, file: FileIdentity): boolean {
  if (typeOf(file) !== constants.S_IFCHR) return false;
  try {
    native.getWindowSize(fd);
    return true;
  } catch {
    return false;
  }
}

function isSameDevice(one: FileIdentity | undefined, other: FileIdentity): boolean {
  if (one === undefined || typeOf(one) !== typeOf(other)) return false;
  return one.rdevMajor === other.rdevMajor && one.rdevMinor === other.rdevMinor;
}

function inUse(seen: string): CmsgError {
  return new CmsgError(
    "ERR_CMSG_STDIO_IN_USE",
    `Expected standard streams that nothing uses yet; ${seen}. Take over before process.stdin, process.stdout or ` +
      "console is used (fs.writeSync(2, text) uses none of them), or borrow() and start a program with them.",
  );
}
