// What a service tells its manager, sd_notify(3): datagrams of NAME=value lines to the socket that NOTIFY_SOCKET names.
// Nothing is answered, and the manager takes them from the main process only, unless NotifyAccess= allows others. A
// process that exits right after it told something may be gone before the manager looks up who it was, and then the
// message is dropped: `barrier` waits until everything was taken.

import type { UnixAddress } from "../address/unix-address.js";
import { CmsgError, isOfSystemCall } from "../errors.js";
import { discardAll, duplicates, type Fd } from "../fd/owned-fd.js";
import { checkCount } from "../message/message.js";
import { checks } from "../options.js";
import { UnixSocket } from "../socket/unix-socket.js";

export interface NotifyOptions {
  signal?: AbortSignal | undefined;
}

/** What `notify` tells, all in one datagram. */
export interface ServiceState {
  /** READY=1: start-up, or a reload, is complete. */
  ready?: boolean | undefined;
  /** RELOADING=1, with the MONOTONIC_USEC that Type=notify-reload asks for. Tell `ready` when it is done. */
  reloading?: boolean | undefined;
  /** STOPPING=1: it begins to shut down. */
  stopping?: boolean | undefined;
  /** STATUS=: one line for `systemctl status`. */
  status?: string | undefined;
  /** WATCHDOG=1 (alive), or WATCHDOG=trigger (act as if the watchdog had run out). */
  watchdog?: boolean | "trigger" | undefined;
  /** MAINPID=: the main process from now on, in place of this one; from 1 to 2147483647. */
  mainPid?: number | undefined;
  /** EXTEND_TIMEOUT_USEC=: time that starting, reloading or stopping still needs: 1 to 2147483647 ms, not Infinity. */
  extendTimeoutMs?: number | undefined;
}

/**
 * Tells the service manager. Waits for room in the manager's queue, as sd_notify(3) does.
 *
 *     await notify({ ready: true, status: "Listening on /run/console.sock" });
 *
 * @throws CmsgError ERR_CMSG_NOTIFY: NOTIFY_SOCKET is not set (the process was not started by a manager that listens:
 * look at the variable first where that is a normal case), has a form that is not supported, or nobody receives there;
 * ERR_CMSG_INVALID_ARG: nothing to tell, a status of several lines, a number that is none; the signal's reason.
 */
export async function notify(state: ServiceState, options: NotifyOptions = {}): Promise<void> {
  const lines: string[] = [];
  if (state.ready) lines.push("READY=1");
  if (state.reloading) lines.push("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  if (state.stopping) lines.push("STOPPING=1");
  if (state.status !== undefined) lines.push(`STATUS=${oneLine(state.status)}`);
  if (state.watchdog) lines.push(`WATCHDOG=${state.watchdog === "trigger" ? "trigger" : 1}`);
  if (state.mainPid !== undefined) lines.push(`MAINPID=${checks.whole("mainPid", state.mainPid, { min: 1 })}`);
  if (state.extendTimeoutMs !== undefined) {
    lines.push(`EXTEND_TIMEOUT_USEC=${checks.timeMs("extendTimeoutMs", state.extendTimeoutMs) * 1000}`);
  }
  if (lines.length === 0)
    throw new CmsgError("ERR_CMSG_INVALID_ARG", "Expected something to tell; the state is empty.");
  await sendState(lines, [], options);
}

export interface StoreOptions extends NotifyOptions {
  /** FDPOLL=0 when false: the manager keeps them also after a hangup or an error on them. Default: true. */
  poll?: boolean | undefined;
}

/**
 * FDSTORE=1: the manager keeps copies of `fds`, borrowed, under `name`, and passes them to the next start of this
 * service (`listenFds`). The unit needs FileDescriptorStoreMax=; without room the manager drops them and says nothing.
 *
 * @param name at most 255 characters of printable ASCII without a colon.
 * @throws CmsgError ERR_CMSG_INVALID_ARG (the name, or no descriptor), ERR_CMSG_FD_COUNT (more than 253),
 * ERR_CMSG_CLOSED, ERR_CMSG_NOTIFY; EBADF; the signal's reason.
 */
export async function storeFds(
  name: string,
  fds: readonly Fd[],
  { poll = true, ...options }: StoreOptions = {},
): Promise<void> {
  const lines = ["FDSTORE=1", `FDNAME=${fdName(name)}`];
  if (!poll) lines.push("FDPOLL=0");
  checkCount(fds);
  if (fds.length === 0) throw new CmsgError("ERR_CMSG_INVALID_ARG", "Expected a descriptor to store; none was given.");
  await sendState(lines, fds, options);
}

/**
 * FDSTOREREMOVE=1: the manager closes what it keeps under `name`.
 *
 * @throws CmsgError ERR_CMSG_INVALID_ARG (the name), ERR_CMSG_NOTIFY; the signal's reason.
 */
export async function removeStoredFds(name: string, options: NotifyOptions = {}): Promise<void> {
  await sendState(["FDSTOREREMOVE=1", `FDNAME=${fdName(name)}`], [], options);
}

/**
 * BARRIER=1, sd_notify_barrier(3): waits until the manager has taken everything that was told before. The manager has
 * to be systemd 246 or newer; one that keeps the descriptor it is sent is waited for until the signal.
 *
 * @throws CmsgError ERR_CMSG_NOTIFY; EMFILE; the signal's reason.
 */
export async function barrier({ signal }: NotifyOptions = {}): Promise<void> {
  // The documented descriptor is a pipe's, which Node cannot make. The manager only closes it, and the end of a
  // socket pair shows that just as well.
  const [kept, sent] = UnixSocket.pair("stream");
  try {
    const sending = sendState(["BARRIER=1"], [sent.fd], { signal });
    sent.close();
    await sending;
    for (;;) {
      const message = await kept.receive({ signal });
      if (!message) return;
      message[Symbol.dispose]();
    }
  } finally {
    kept.close();
    sent.close();
  }
}

/**
 * sd_watchdog_enabled(3): after how many milliseconds without `notify({watchdog: true})` the manager acts, or undefined
 * when it watches nobody, or another process (WATCHDOG_PID). Tell it at half of that time.
 *
 * @throws CmsgError ERR_CMSG_NOTIFY: WATCHDOG_USEC or WATCHDOG_PID is malformed.
 */
export function watchdogTimeoutMs(): number | undefined {
  const { WATCHDOG_USEC, WATCHDOG_PID } = process.env;
  if (WATCHDOG_USEC === undefined) return undefined;
  for (const [name, text] of Object.entries({ WATCHDOG_USEC, WATCHDOG_PID })) {
    if (text === undefined || /^[1-9]\d{0,17}$/.test(text)) continue;
    throw new CmsgError("ERR_CMSG_NOTIFY", `Expected ${name} to be a whole number; it is ${JSON.stringify(text)}.`);
  }
  if (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid) return undefined;
  return Number(WATCHDOG_USEC) / 1000;
}

async function sendState(lines: string[], fds: readonly Fd[], { signal }: NotifyOptions): Promise<void> {
  checks.abortSignal(signal);
  // Before anything is awaited: the caller's are borrowed for the call only.
  checkCount(fds);
  const copies = duplicates(fds);
  try {
    using socket = await notifySocket(signal);
    await socket.send(Buffer.from(lines.join("\n")), copies, { signal });
  } catch (error) {
    throw asNotifyError(error);
  } finally {
    discardAll(copies);
  }
}

async function notifySocket(signal: AbortSignal | undefined): Promise<UnixSocket> {
  return UnixSocket.connect(addressIn(process.env["NOTIFY_SOCKET"]), { type: "datagram", signal });
}

function addressIn(text: string | undefined): UnixAddress {
  if (text === undefined || text === "") {
    throw new CmsgError(
      "ERR_CMSG_NOTIFY",
      "NOTIFY_SOCKET is not set: no service manager wants to be told. A unit needs Type=notify or NotifyAccess=.",
    );
  }
  if (text.startsWith("/")) return text;
  if (text.startsWith("@") && text.length > 1) return { abstract: text.slice(1) };
  throw new CmsgError(
    "ERR_CMSG_NOTIFY",
    `Expected NOTIFY_SOCKET to be an absolute path or @name; it is ${JSON.stringify(text)}. Other families, such as ` +
      "vsock: in a virtual machine, are not supported.",
  );
}

// The manager is gone, or the path is another namespace's: the code alone says little.
const UNREACHABLE = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE", "EACCES", "EPERM", "EPROTOTYPE", "ENOTDIR"];

function asNotifyError(error: unknown): unknown {
  if (!isOfSystemCall(error) || !UNREACHABLE.includes(error.code)) return error;
  return new CmsgError(
    "ERR_CMSG_NOTIFY",
    `Nobody receives at NOTIFY_SOCKET, which is ${JSON.stringify(process.env["NOTIFY_SOCKET"])} (${error.code}). The ` +
      "manager is gone, or the socket is not reachable from here (another mount namespace, another user).",
    { cause: error },
  );
}

function oneLine(status: string): string {
  if (!/[\n\r\0]/.test(status)) return status;
  throw new CmsgError("ERR_CMSG_INVALID_ARG", "Expected a status of one line; this one has line ends, or NUL.");
}

function fdName(name: string): string {
  if (/^[\x20-\x39\x3b-\x7e]{1,255}$/.test(name)) return name;
  throw new CmsgError(
    "ERR_CMSG_INVALID_ARG",
    `A stored descriptor's name has 1 to 255 characters of printable ASCII without a colon; this is ` +
      `${JSON.stringify(name)}. The manager would store it under another.`,
  );
}
