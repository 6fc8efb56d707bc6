// A process by its pidfd.
import { constants, readFileSync } from "node:fs";
import { closeQuietly, native, recognizeCopies } from "cmsg-native";
import { CmsgError, naming, needing } from "../errors.js";
import { type Fd, numberOf, OwnedFd, taking } from "../fd/owned-fd.js";
import { checks } from "../options.js";
import type { ExitStatus } from "./exit-status.js";
import { ProcessEnd } from "./process-end.js";

/**
 * One process, held by a pidfd (pidfd_open(2)). A pid is given to another process some time after the first one was reaped;
 * a handle never means another one.
 *
 *     using process = ProcessHandle.open(pid);
 *     process.kill("SIGTERM");
 *     const status = await process.exited;
 *     console.log(status ? (status.signal ?? `status ${status.code}`) : "ended");
 */
export class ProcessHandle implements Disposable {
  /**
   * The process's pid as this process sees it. Another process may have the number by now: signal with `kill`. undefined
   * when it is not known: the process had been reaped before the handle was made from a descriptor, it is in a PID
   * namespace that is neither this one nor below it, or there is neither PIDFD_GET_INFO (Linux 6.13) nor /proc.
   */
  readonly pid: number | undefined;
  readonly #owner: OwnedFd;
  #exited: Promise<ExitStatus | undefined> | undefined;
  #end: ProcessEnd | undefined;
  #ref = true;

  private constructor(owner: OwnedFd, pid: number | undefined) {
    this.#owner = owner;
    this.pid = pid;
  }

  /**
   * pidfd_open(2). The number must be the right process's still: a child that was not reaped, this process, or one whose end
   * the caller would know of. The descriptor is this handle's, and close-on-exec.
   *
   * @param pid from 1 to 2147483647
   * @throws CmsgError ERR_CMSG_INVALID_ARG, ERR_CMSG_UNSUPPORTED (before Linux 5.3); ESRCH (no process has that pid), EINVAL
   * or ENOENT (it is a thread's), EMFILE, ENFILE, ENODEV, ENOMEM
   */
  static open(pid: number): ProcessHandle {
    checks.whole("pid", pid, { min: 1 });
    const reasons = { ESRCH: `${pid} has ended and was reaped, or never was`, EINVAL: `${pid} is a thread's number` };
    const pidfd = needing({ what: "A process handle (pidfd_open)", since: "5.3", code: "ENOSYS" }, () =>
      naming({}, () => native.openPidfd(pid), reasons),
    );
    return new ProcessHandle(new OwnedFd(pidfd), pid);
  }

  /**
   * Takes a pidfd: of `UnixSocket.peerPidfd()`, of a message (`passPidfd`, runc's `--pidfd-socket`), of another process. It
   * may come from a stranger: nothing is asked of it that a file's own code would answer, before it is known to be a pidfd.
   *
   *     const { fd } = await recvFile(socket);
   *     using container = ProcessHandle.fromFd(fd);
   *
   * @throws CmsgError ERR_CMSG_NOT_PIDFD, and the descriptor stays the caller's; ERR_CMSG_INVALID_ARG, ERR_CMSG_CLOSED; EBADF;
   * EPERM, ENOSYS where a seccomp filter refuses pidfd_send_signal
   */
  static fromFd(fd: Fd): ProcessHandle {
    const number = numberOf(fd);
    return taking(fd, (owner) => {
      requirePidfd(number);
      return new ProcessHandle(owner, pidOf(number));
    });
  }

  /**
   * pidfd_send_signal(2).
   *
   * @param signal its name, or its number from 0 (which only asks whether the process runs) to 64
   * @returns false when the process has ended, whether it was reaped or not, and when this handle is closed
   * @throws CmsgError ERR_CMSG_INVALID_ARG; EPERM (another user's process); EINVAL (it is in a PID namespace that is neither
   * this one nor below it)
   */
  kill(signal: NodeJS.Signals | number = "SIGTERM"): boolean {
    const number = checks.signalNumber("signal", signal);
    return !this.#owner.closed && native.sendSignal(this.#owner.fd, number);
  }

  /**
   * Resolves when the process has ended: with its status where the kernel tells it, and with undefined where it does not.
   * A child of this process has a status until it is reaped, which Node.js does with children of `child_process`: it is
   * looked at, not taken. From Linux 6.15 on every holder is told the status once the process is reaped; so a process that
   * is no child settles this after its parent has reaped it, or 1000 ms after its end. Of a process outside of this PID
   * namespace and those below it no status is told.
   *
   * The process is watched from the first time that this is read, and the event loop is kept alive (`unref`). Rejects with
   * CmsgError ERR_CMSG_CLOSED when the handle is closed before. It may be left unhandled.
   */
  get exited(): Promise<ExitStatus | undefined> {
    if (!this.#exited) {
      this.#exited = this.#watchEnd();
      this.#exited.catch(() => undefined);
    }
    return this.#exited;
  }

  async #watchEnd(): Promise<ExitStatus | undefined> {
    this.#end = new ProcessEnd(this.fd, this.#ref);
    return this.#end.promise;
  }

  /**
   * The pidfd, borrowed: to send it, or to wait for it elsewhere.
   *
   * @throws CmsgError ERR_CMSG_CLOSED after `close()`
   */
  get fd(): number {
    return this.#owner.fd;
  }

  get closed(): boolean {
    return this.#owner.closed;
  }

  /** Closes the pidfd. The process goes on. A second call does nothing. */
  close(): void {
    this.#end?.close();
    closeQuietly(() => this.#owner.close());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Lets this process end while it waits for `exited`. */
  unref(): this {
    this.#setRef(false);
    return this;
  }

  ref(): this {
    this.#setRef(true);
    return this;
  }

  #setRef(ref: boolean): void {
    this.#ref = ref;
    this.#end?.setRef(ref);
  }
}
recognizeCopies(ProcessHandle, "cmsg.ProcessHandle");

// pidfd_send_signal takes a directory /proc/PID too, which nothing else here does.
function requirePidfd(number: number): void {
  if (native.isPidfd(number) && (native.identify(number).mode & constants.S_IFMT) !== constants.S_IFDIR) return;
  throw new CmsgError(
    "ERR_CMSG_NOT_PIDFD",
    "Expected a pidfd, as pidfd_open(2) makes it; the descriptor is another kind of file. Check which descriptor was passed.",
  );
}

function pidOf(pidfd: number): number | undefined {
  const pid = native.getPidfdInfo(pidfd)?.pid || pidInProc(pidfd);
  return pid !== undefined && pid > 0 ? pid : undefined;
}

// proc_pid_fdinfo(5): -1 after the process was reaped, 0 where it is in another PID namespace.
function pidInProc(pidfd: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/self/fdinfo/${pidfd}`, "latin1").match(/^Pid:\s*(-?\d+)$/m)?.[1]);
  } catch {
    return undefined;
  }
}
