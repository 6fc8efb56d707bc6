// Every native function, one system call each, as declared here and (those for messages) in messages.ts, and nowhere
// else. They take no defaults, know no paths and throw Node's own shape of error: {code, errno, syscall}. "Owned" means
// owned by this environment (the main thread, or a Worker), which closes what is left when it ends.
import { loadAddon } from "./load.js";
import { type MessageFunctions, messageFunctions } from "./messages.js";

export { type BinaryTarget, findBinary, NativeLoadError } from "./load.js";
export { ControlSlot, control, ReceiveOption, SCM_MAX_FD, SUN_PATH_BYTES, scratch } from "./messages.js";
export { MAX_TIME_MS, OptionChecks, type Range, type Size } from "./options.js";

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

// Linux's numbers on every architecture that Node runs on.
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
export const O_ACCMODE = 3;
export const O_RDWR = 2;

/** Level-triggered readiness of one descriptor. It borrows the fd: close the watcher first. */
export interface Watcher {
  /** Which sides to wait for; neither takes it out of the epoll. While it waits it keeps itself and the loop alive. */
  watch(readable: boolean, writable: boolean): void;
  close(): void;
  setRef(ref: boolean): void;
}

/** What `PtyStream` answers instead of a number of bytes. */
export const PtyResult = {
  /** Nothing to read, or no room to write: the callback tells when. */
  wouldBlock: -1,
  /** EIO or 0: no process has the terminal open. Input is not taken. */
  hungUp: -2,
  /** Somebody who shares the open file description cleared O_NONBLOCK. */
  tampered: -3,
} as const;

/**
 * Reads and writes one PTY master without blocking. It borrows the fd (close the stream first) and sets O_NONBLOCK on
 * it. Starts paused; it keeps itself alive until closed, and the loop unless told otherwise.
 */
export interface PtyStream {
  /** read(2) until the terminal is empty or `buffer` has less than 4 KiB left: the number of bytes, or a PtyResult. */
  read(buffer: Uint8Array): number;
  /** One write(2): the number of bytes, or a PtyResult. After fewer than given, the callback tells when to go on. */
  write(data: Uint8Array): number;
  resume(): void;
  pause(): void;
  close(): void;
  setRef(ref: boolean): void;
}

/** Why `openPty` opened none: PtyProblem of native/common/pty_failure.h, whose order this is. */
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
  /** 0 where a call succeeded and showed the wrong thing. */
  errno: number;
  path: string;
  /** What lies at `path`: st_mode and st_rdev, or 0. */
  mode: number;
  rdevMajor: number;
  rdevMinor: number;
  /** f_type of statfs(2), or 0. */
  filesystem: number;
}

export interface Native extends MessageFunctions {
  /** Notes `fd` as owned. */
  adopt(fd: number): void;
  /** Gives `fd` up without closing it. */
  disown(fd: number): void;
  /** close(2) of a descriptor of our own making; EINTR counts as closed. */
  close(fd: number): void;
  /** fcntl(2) F_DUPFD_CLOEXEC; the copy is owned. */
  dup(fd: number): number;
  /** Whether as many files as one message can bring may still be opened. False where the kernel does not tell. */
  hasRoom(): boolean;
  /** fcntl(2) F_GETFL. */
  getStatusFlags(fd: number): number;
  /** fcntl(2) F_SETFL with O_NONBLOCK: of the open file description, so for everyone who shares it. */
  setNonBlocking(fd: number): void;
  /** flock(2) LOCK_EX | LOCK_NB: false when another open file description holds the lock. */
  tryLock(fd: number): boolean;
  /** statx(2) with AT_STATX_DONT_SYNC, which never waits for a file system's daemon. */
  identify(fd: number): FileIdentity;

  /** socket(2) AF_UNIX, non-blocking, close-on-exec; owned. */
  socket(type: number): number;
  /** socketpair(2) AF_UNIX, non-blocking, close-on-exec; both owned. */
  socketpair(type: number): [number, number];
  /** bind(2) to the bytes of sun_path, at most 108; abstract names begin with NUL, and for none the kernel makes one. */
  bind(fd: number, sunPath: Uint8Array): void;
  /** listen(2). */
  listen(fd: number, backlog: number): void;
  /** connect(2): false when the listener's backlog is full, which no readiness tells the end of. */
  connect(fd: number, sunPath: Uint8Array): boolean;
  /** accept4(2), non-blocking, close-on-exec; owned. -1 when there is none. */
  accept(fd: number): number;
  /** shutdown(2). */
  shutdown(fd: number, how: number): void;
  /** getsockopt(2) SOL_SOCKET of an int. */
  getSocketOption(fd: number, option: number): number;
  /** setsockopt(2) SOL_SOCKET of an int. */
  setSocketOption(fd: number, option: number, value: number): void;
  /** ioctl(2) SIOCOUTQ: the memory of what was sent and nobody has received, in the unit of SO_SNDBUF. */
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
  /** connect(2) of an AF_VSOCK socket: false while it is on its way, until the socket is writable. */
  vsockConnect(fd: number, cid: number, port: number): boolean;
  /** Whether a connect(2) on its way has come to its end; throws what it failed with. */
  vsockConnected(fd: number): boolean;
  /** getsockname(2) of an AF_VSOCK socket. */
  vsockName(fd: number): VsockAddress;
  /** getpeername(2) of an AF_VSOCK socket. */
  vsockPeer(fd: number): VsockAddress;

  /** ioctl_tty(2) TIOCGPTN: the number of the terminal; fails on anything but a master. */
  getPtyNumber(fd: number): number;
  /** TIOCGPKT. */
  getPacketMode(fd: number): number;
  /** TIOCGETD: 0 is N_TTY. */
  getLineDiscipline(fd: number): number;
  /** TIOCGWINSZ. */
  getWindowSize(fd: number): { columns: number; rows: number };
  /** TIOCSWINSZ; each at most 65535. */
  setWindowSize(fd: number, columns: number, rows: number): void;
  /** termios(3): ONLCR of the terminal. */
  setOnlcr(fd: number, on: boolean): void;
  /** tcgetattr(3), opaque. */
  getTerminalSettings(fd: number): Uint8Array;
  /** tcsetattr(3) TCSANOW of what `getTerminalSettings` gave. */
  setTerminalSettings(fd: number, settings: Uint8Array): void;
  /** cfmakeraw(3) and tcsetattr(3) TCSANOW. */
  makeRaw(fd: number): void;

  /**
   * A new terminal by /dev/pts/ptmx, or through the multiplexer `ptmx`, as console-init opens it; both ends owned. What
   * is wrong with the root file system is an answer, not an error.
   */
  openPty(ptmx: string | undefined): { ptmx: number; peer: number } | PtyFailure;
  /** getsid(2); 0 is this process. */
  getSession(pid: number): number;
  /** setsid(2). */
  newSession(): void;
  /** ioctl_tty(2) TIOCSCTTY. */
  setControllingTerminal(fd: number): void;
  /** dup2(2): not close-on-exec, and not owned. */
  duplicateTo(from: number, to: number): void;

  /** ioctl_tty(2) TIOCGSID of a master: the pid of the session leader that has the terminal; 0 when nobody has. */
  getSessionLeader(fd: number): number;
  /** pidfd_open(2); owned. */
  openPidfd(pid: number): number;
  /** pidfd_send_signal(2). */
  sendSignal(pidfd: number, signal: number): void;

  Watcher: new (fd: number, onReady: (readable: boolean, writable: boolean) => void) => Watcher;
  PtyStream: new (fd: number, onReady: (readable: boolean, writable: boolean) => void) => PtyStream;
}

// A copy: of an object that N-API filled, V8 looks every property up in a hash table, and so for every message.
export const native: Native = { ...(loadAddon() as Omit<Native, keyof MessageFunctions>), ...messageFunctions };
