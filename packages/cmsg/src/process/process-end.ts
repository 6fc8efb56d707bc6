// Waiting for the end of a process by its pidfd, and for its status where the kernel tells it.
//
// A pidfd becomes readable when its process has ended, and hangs up when its parent has reaped it (Linux 6.9). The status
// is known to the parent in between (waitid), and to every holder of the pidfd afterwards (PIDFD_GET_INFO, Linux 6.15). So
// a process that is no child is waited for twice, and the second time for a while only: its parent may never reap it.
import { native, type Watcher } from "cmsg-native";
import { CmsgError } from "../errors.js";
import { type ExitStatus, exitStatus } from "./exit-status.js";

// A parent that reaps at all does so when it is told of the end.
const REAP_TIMEOUT_MS = 1000;

export class ProcessEnd {
  readonly promise: Promise<ExitStatus | undefined>;
  readonly #pidfd: number;
  #resolve: (status: ExitStatus | undefined) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  readonly #watcher: Watcher;
  #timer: NodeJS.Timeout | undefined;
  #ref: boolean;
  #waitedTwice = false;

  /** @throws EBADF, ENOMEM, ENOSPC (/proc/sys/fs/epoll/max_user_watches) */
  constructor(pidfd: number, ref: boolean) {
    this.#pidfd = pidfd;
    this.#ref = ref;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#watcher = new native.Watcher(pidfd, (readable) => this.#onEvent(readable));
    this.#watcher.setRef(ref);
    this.#watcher.watch(true, false);
  }

  setRef(ref: boolean): void {
    this.#ref = ref;
    this.#watcher.setRef(ref);
    if (ref) this.#timer?.ref();
    else this.#timer?.unref();
  }

  /** Without effect when the end is known. */
  close(): void {
    this.#stop();
    this.#reject(new CmsgError("ERR_CMSG_CLOSED", "This handle was closed before its process had ended."));
  }

  #onEvent(readable: boolean): void {
    if (!readable) this.#waitedTwice = true;
    const status = this.#status();
    if (status === "later") this.#waitForReaping();
    else this.#settle(status);
  }

  /** "later": the kernel tells it when the process is reaped. */
  #status(): ExitStatus | undefined | "later" {
    const own = native.getChildStatus(this.#pidfd);
    if (own >= 0) return exitStatus(own);
    const info = native.getPidfdInfo(this.#pidfd);
    if (info && info.status >= 0) return exitStatus(info.status);
    return info && !this.#waitedTwice ? "later" : undefined;
  }

  #waitForReaping(): void {
    // Asks once more: where this process had no turn for so long, its timers run before the hangup is reported.
    this.#timer = setTimeout(() => this.#onEvent(false), REAP_TIMEOUT_MS);
    if (!this.#ref) this.#timer.unref();
    try {
      this.#watcher.watch(false, false, true);
    } catch {
      this.#settle(undefined);
    }
  }

  #settle(status: ExitStatus | undefined): void {
    this.#stop();
    this.#resolve(status);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#watcher.close();
  }
}
