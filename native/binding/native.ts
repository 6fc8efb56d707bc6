// Every native function is declared here or (those for messages) in messages.ts, and nowhere else. Most make one system
// call; the comment of each names its calls. They have no defaults and throw errors in the shape of Node.js: {code,
// errno, syscall}. "Owned" means owned by this environment (the main thread, or a Worker): it closes the descriptors
// that are left when it ends.
import type { ClosingFunctions } from "./closing.js";
import type { ConsoleEvent, ConsoleReceiver, ConsoleSettings, ConsoleVerdict } from "./console.js";
import { loadAddon } from "./load.js";
import { type MessageFunctions, messageFunctions } from "./messages.js";
import { waitingForRoom } from "./room.js";

export { recognizeCopies } from "./brand.js";
export { callApart } from "./call-apart.js";
export { closeQuietly } from "./close-quietly.js";
export { ClosingEvent, ClosingKind, type ClosingState } from "./closing.js";
export {
  type ConsoleDelivery,
  type ConsoleEvent,
  type ConsoleReceiver,
  ConsoleRefusal,
  type ConsoleSettings,
  type ConsoleVerdict,
} from "./console.js";
export { type BinaryTarget, findBinary, NativeLoadError } from "./load.js";
export { ControlSlot, control, ReceiveOption, SCM_MAX_FD, SendOption, SUN_PATH_BYTES, scratch } from "./messages.js";
export { onAbort, throwIfAborted } from "./on-abort.js";
export { MAX_TIME_MS, OptionChecks, type Range, type Size } from "./options.js";
export { mayFindRoom, waitingForRoom, withRoom } from "./room.js";

export interface FileIdentity {
  /** st_mode: type and permissions. */
  mode: number;
  rdevMajor: number;
  rdevMinor: number;
  ino: bigint;
}

/** An address of AF_VSOCK, vsock(7): numbers of 32 bits. */
export interface VsockAddress {
  cid: number;
  port: number;
}

export interface Credentials {
  pid: number;
  uid: number;
  gid: number;
}

// The same numbers on every architecture that Node.js runs on. native/addon/kernel_numbers.cc checks them.
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const SHUT_WR = 1;
export const SO_TYPE = 3;
export const SO_SNDBUF = 7;
export const SO_PASSCRED = 16;
export const SO_DOMAIN = 39;
export const SO_PASSPIDFD = 76;
export const SO_PASSRIGHTS = 83;
export const AF_UNIX = 1;
export const F_SEAL_SEAL = 1;
export const F_SEAL_SHRINK = 2;
export const F_SEAL_GROW = 4;
export const F_SEAL_WRITE = 8;
export const F_SEAL_FUTURE_WRITE = 16;
export const O_ACCMODE = 3;
export const O_RDWR = 2;

/** Level-triggered readiness of one descriptor. Borrows the fd: close the watcher before the fd. */
export interface Watcher {
  /**
   * Which sides to wait for. With neither, the fd is removed from the epoll. While it waits, the watcher keeps itself
   * and the event loop alive. With `hangup` alone, the callback tells of a hangup with neither side ready.
   */
  watch(readable: boolean, writable: boolean, hangup?: boolean): void;
  close(): void;
  setRef(ref: boolean): void;
}

/** Results of `PtyStream` in place of a number of bytes. */
export const PtyResult = {
  /** Nothing to read, or no room to write. The callback is called when that changes. */
  wouldBlock: -1,
  /** EIO or 0: no process has the terminal open. Input is not taken. */
  hungUp: -2,
  /** Another holder of the open file description cleared O_NONBLOCK. */
  tampered: -3,
} as const;

/**
 * Reads and writes one PTY master without blocking. Borrows the fd (close the stream before it) and sets O_NONBLOCK on
 * it. Starts paused. Keeps itself alive until it is closed, and the event loop until `setRef(false)`.
 */
export interface PtyStream {
  /** read(2) until the terminal is empty or `buffer` has less than 4 KiB left: the number of bytes, or a PtyResult. */
  read(buffer: Uint8Array): number;
  /** One write(2): the number of bytes, or a PtyResult. After fewer than given, wait for the callback. */
  write(data: Uint8Array): number;
  resume(): void;
  pause(): void;
  close(): void;
  setRef(ref: boolean): void;
}

/** Why `openPty` failed: PtyProblem of native/common/pty_failure.h. A test compares the numbers. */
export const PtyProblem = {
  directory: 1,
  notDevpts: 2,
  open: 3,
  mountedOver: 4,
  wrongFile: 5,
  noProc: 6,
  unlock: 7,
  peer: 8,
  peerElsewhere: 9,
} as const;

export interface PtyFailure {
  /** One of PtyProblem. */
  problem: number;
  /** 0 where a call succeeded and found the wrong file. */
  errno: number;
  path: string;
  /** st_mode of the file at `path`; 0 where it is not known. With st_rdev. */
  mode: number;
  rdevMajor: number;
  rdevMinor: number;
  /** f_type of statfs(2), or 0. */
  filesystem: number;
}

/** A failed system call in the shape of Node.js. */
export interface SystemError extends Error {
  code: string;
  errno: number;
  syscall: string;
}

/** For `startProcess`. */
export interface StartRequest {
  file: string;
  arguments: readonly string[];
  environment: readonly string[];
  directory: string;
  ownSession: boolean;
  descriptors: readonly number[];
}

export interface StartReply {
  id: number;
  /** 0 when none was started: then `call` failed with `errno`, a negative number. */
  pid: number;
  pidfd: number;
  errno: number;
  call: string;
}

export interface Native extends MessageFunctions, ClosingFunctions {
  /** The error that a function here throws when a call `syscall` fails with `errno`: for calls that were made elsewhere. */
  makeError(errno: number, syscall: string): SystemError;
  /**
   * Makes `fd` owned: fcntl(2) F_GETFD, which fails with EBADF when it is not open. True when it was owned already, as
   * everything is that a function here makes. An `untrusted` one is closed by the closer.
   */
  adopt(fd: number, untrusted: boolean): boolean;
  /** Gives `fd` up without closing it. */
  disown(fd: number): void;
  /**
   * close(2) of a descriptor that no other process had a hand in; 0, 1 and 2 become /dev/null. EINTR counts as closed. Any
   * other descriptor is handed over to the closer, which reports no error.
   */
  close(fd: number): void;
  /** fcntl(2) F_DUPFD_CLOEXEC; the copy is owned. It is as untrusted as `fd`, or more. */
  dup(fd: number, untrusted?: boolean): number;
  /** fcntl(2) F_GETFL. */
  getStatusFlags(fd: number): number;
  /** fcntl(2) F_GETFL and F_SETFL with O_NONBLOCK, a flag that all holders of the open file description share. */
  setNonBlocking(fd: number): void;
  /** flock(2) LOCK_EX | LOCK_NB. False when another open file description holds the lock. */
  tryLock(fd: number): boolean;
  /** statx(2) with AT_STATX_DONT_SYNC, which never waits for the daemon of a FUSE mount. */
  identify(fd: number): FileIdentity;

  /** socket(2) AF_UNIX, non-blocking, close-on-exec; owned. */
  socket(type: number): number;
  /** socketpair(2) AF_UNIX, blocking, close-on-exec; both owned. */
  socketpair(type: number): [number, number];
  /**
   * bind(2) to the bytes of sun_path, at most 108; abstract names begin with NUL, and for none the kernel makes one. The
   * end of the environment removes `file`, the absolute path that was bound, unless it is disowned.
   */
  bind(fd: number, sunPath: Uint8Array, file?: string): void;
  /** mkdtemp(3); the end of the environment removes it, with the files of these names in it, unless it is disowned. */
  makeDirectory(prefix: string, names: readonly string[]): string;
  /** The end of the environment does not remove that file or directory. */
  disownFile(path: string): void;
  /** listen(2). */
  listen(fd: number, backlog: number): void;
  /** connect(2). False when the listener's backlog is full; poll(2) does not report when it has room. */
  connect(fd: number, sunPath: Uint8Array): boolean;
  /** accept4(2), non-blocking, close-on-exec; owned. -1 when there is none. */
  accept(fd: number): number;
  /** shutdown(2). */
  shutdown(fd: number, how: number): void;
  /** getsockopt(2) SOL_SOCKET of an int. */
  getSocketOption(fd: number, option: number): number;
  /** setsockopt(2) SOL_SOCKET of an int. */
  setSocketOption(fd: number, option: number, value: number): void;
  /** ioctl(2) SIOCOUTQ: memory of the messages that the peer has not received, in the unit of SO_SNDBUF. */
  getSendQueue(fd: number): number;
  /** getsockopt(2) SO_PEERPIDFD; owned. */
  getPeerPidfd(fd: number): number;
  /** getsockname(2): the bytes of sun_path, a pathname with its NUL; null without a name. */
  getSocketName(fd: number): Buffer | null;
  /** getpeername(2), as getSocketName. */
  getPeerName(fd: number): Buffer | null;
  /** getsockopt(2) SO_PEERCRED: as they were at connect(2) or socketpair(2). */
  getPeerCredentials(fd: number): Credentials;

  /** socket(2) AF_VSOCK, a stream, non-blocking, close-on-exec; owned. */
  vsockSocket(): number;
  /** bind(2) of an AF_VSOCK socket. */
  vsockBind(fd: number, cid: number, port: number): void;
  /** connect(2) of an AF_VSOCK socket. False while it is pending; the socket becomes writable at its end. */
  vsockConnect(fd: number, cid: number, port: number): boolean;
  /** getsockopt(2) SO_ERROR and getpeername(2): whether a pending connect(2) has completed. Throws its error. */
  vsockConnected(fd: number): boolean;
  /** getsockname(2) of an AF_VSOCK socket. */
  vsockName(fd: number): VsockAddress;
  /** getpeername(2) of an AF_VSOCK socket. */
  vsockPeer(fd: number): VsockAddress;

  /** ioctl_tty(2) TIOCGPTN: the number of the terminal; fails on anything but a master. */
  getPtyNumber(fd: number): number;
  /** TIOCGWINSZ. */
  getWindowSize(fd: number): { columns: number; rows: number };
  /** TIOCSWINSZ; each at most 65535. */
  setWindowSize(fd: number, columns: number, rows: number): void;
  /** ioctl_tty(2) TCGETS, and TCSETS where ONLCR of the terminal changes. */
  setOnlcr(fd: number, on: boolean): void;
  /** tcgetattr(3), opaque. */
  getTerminalSettings(fd: number): Uint8Array;
  /** tcsetattr(3) TCSANOW of what `getTerminalSettings` gave. */
  setTerminalSettings(fd: number, settings: Uint8Array): void;
  /** tcgetattr(3), cfmakeraw(3) and tcsetattr(3) TCSANOW. */
  makeRaw(fd: number): void;

  /**
   * sched_getattr(2) and sched_setattr(2) of this thread: the time slice in nanoseconds, from 100000 to 100000000, or 0 for
   * the kernel's own. Returns the one before. EINVAL for a thread that is not SCHED_OTHER. Before Linux 6.12 ignored.
   */
  swapTimeSlice(ns: number): number;
  /**
   * Judges whether `fd`, borrowed, is a console, and sets what its program may ask for (native/common/judge_console.h):
   * the size and ONLCR. A refusal is a result, not an error.
   */
  judgeConsole(fd: number, ...settings: ConsoleSettings): ConsoleVerdict;

  /**
   * Opens a new terminal through /dev/pts/ptmx, or through the multiplexer `ptmx`, with the calls and checks of
   * console-init (native/common/pty.h). Both ends are owned. A wrong root file system is a result, not an error.
   */
  openPty(ptmx: string | undefined): { ptmx: number; peer: number } | PtyFailure;
  /** getsid(2); 0 is this process. */
  getSession(pid: number): number;
  /** setsid(2). */
  newSession(): void;
  /** ioctl_tty(2) TIOCSCTTY. */
  setControllingTerminal(fd: number): void;
  /** dup2(2), on a thread: not close-on-exec, and not owned. The old file may be closed later. */
  duplicateTo(from: number, to: number): void;

  /** ioctl_tty(2) TIOCGSID of a master: the pid of the session leader that has the terminal; 0 without a session. */
  getSessionLeader(fd: number): number;
  /** pidfd_open(2); owned. */
  openPidfd(pid: number): number;
  /** pidfd_send_signal(2) of signal 0: whether it is a pidfd, or a directory /proc/PID. No code of the file's own runs. */
  isPidfd(fd: number): boolean;
  /** poll(2) of a pidfd and pidfd_send_signal(2). False when its process has ended. */
  sendSignal(pidfd: number, signal: number): boolean;
  /**
   * waitid(2) P_PIDFD with WNOWAIT: the wait status of this process's child when it has ended and was not reaped, else -1.
   * It stays to be reaped.
   */
  getChildStatus(pidfd: number): number;
  /**
   * ioctl(2) PIDFD_GET_INFO with PIDFD_INFO_EXIT. null where the kernel does not tell: before Linux 6.13, and of processes
   * outside of this PID namespace and those below it. `pid` is 0 after the process was reaped, `status` (a wait status) -1
   * before, and always before Linux 6.15.
   */
  getPidfdInfo(pidfd: number): { pid: number; status: number } | null;

  /** pipe2(2), close-on-exec; both owned: the end to read from, the end to write to. */
  pipe(nonBlocking: boolean): [number, number];
  /**
   * memfd_create(2), close-on-exec; owned. It may be sealed, and is not executable (MFD_NOEXEC_SEAL) from Linux 6.3 on.
   */
  memfd(name: string): number;
  /** ftruncate(2). */
  truncate(fd: number, size: number): void;
  /** fcntl(2) F_ADD_SEALS. */
  addSeals(fd: number, seals: number): void;
  /** eventfd(2), close-on-exec; owned. `initial` is a number of 32 bits. */
  eventfd(initial: number, semaphore: boolean, nonBlocking: boolean): number;

  /**
   * vfork(2) and execve(2) on a thread of its own, whose descriptor table has nothing of this process's. Borrows
   * `descriptors` for the call; they become 0, 1, 2 … of the child, -1 is /dev/null. `file` and `directory` are paths, and
   * an empty `directory` is this process's. Throws EAGAIN when too many requests wait.
   */
  startProcess(request: StartRequest, id: number): void;
  /** The descriptor that is readable when `nextStartReply` has one. It stays the addon's, until `stopStartReplies`. */
  startReplies(): number;
  /** For when every request was replied to. */
  stopStartReplies(): void;
  /** What came of a request, in the order of the requests: a pid, which is to be reaped, and its pidfd, owned. */
  nextStartReply(): StartReply | null;
  /** waitpid(2) WNOHANG of a process that `startProcess` started: its wait status, or null while it runs. */
  reapProcess(pid: number): number | null;
  /** kill(2) of such a process with SIGKILL. The thread that started it reaps it. */
  endProcess(pid: number): void;

  Watcher: new (fd: number, onReady: (readable: boolean, writable: boolean) => void) => Watcher;
  /**
   * At most `maxWaiting` accepted connections wait for their message at once. `uids` may deliver besides root and this
   * process's user; undefined: every user.
   */
  ConsoleReceiver: new (
    onEvent: (event: ConsoleEvent) => void,
    maxWaiting: number,
    uids: readonly number[] | undefined,
    ...settings: ConsoleSettings
  ) => ConsoleReceiver;
  PtyStream: new (fd: number, onReady: (readable: boolean, writable: boolean) => void) => PtyStream;
}

const addon = loadAddon() as Omit<Native, keyof MessageFunctions>;

// A copy, because V8 looks up every property of an object that N-API filled in a hash table, for every message.
export const native: Native = {
  ...addon,
  ...messageFunctions,
  dup: waitingForRoom(addon.dup),
  socketpair: waitingForRoom(addon.socketpair),
  getPeerPidfd: waitingForRoom(addon.getPeerPidfd),
  openPidfd: waitingForRoom(addon.openPidfd),
  openPty: waitingForRoom(addon.openPty),
  pipe: waitingForRoom(addon.pipe),
  memfd: waitingForRoom(addon.memfd),
  eventfd: waitingForRoom(addon.eventfd),
};
