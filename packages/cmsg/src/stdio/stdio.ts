// A process lends its standard input, output and error to another.
//
// Protocol: one message from the lender, its data "stdio 1", with exactly three descriptors: 0, 1 and 2. The loan lasts
// as long as the connection: the borrower gives back by closing it, and so does its death. The lender's death ends the
// connection too, and leaves the descriptors: what they lead to tells whether anybody is there.
//
// The descriptors share their open files with the lender's: the offset in a file, O_NONBLOCK, a terminal's settings.
import { isatty } from "node:tty";
import { closeQuietly, native } from "cmsg-native";
import { CmsgError } from "../errors.js";
import { closeAll, type Fd, numberOf, OwnedFd } from "../fd/owned-fd.js";
import { checks } from "../options.js";
import type { UnixSocket } from "../socket/unix-socket.js";
import { refuseUsedStreams } from "./stdio-in-use.js";

const GREETING = "stdio 1";

export interface StdioOptions {
  signal?: AbortSignal | undefined;
}

export interface LendOptions extends StdioOptions {
  /** What to lend, borrowed for the call: by default 0, 1 and 2. */
  fds?: readonly [stdin: Fd, stdout: Fd, stderr: Fd] | undefined;
}

/**
 * Lends this process's standard streams over a connected stream or seqpacket socket, which it borrows, and waits until
 * they are given back. Do not use `process.stdin` meanwhile: two readers of one terminal each get a part. What the
 * borrower did to the settings of a terminal is undone then.
 *
 * @throws CmsgError ERR_CMSG_CLOSED, ERR_CMSG_INVALID_ARG; EBADF (a stream is closed), EPIPE, ECONNRESET (the other
 * side left without taking them) …; the signal's reason, and the other side still has them.
 */
export async function lend(socket: UnixSocket, { fds = [0, 1, 2], signal }: LendOptions = {}): Promise<void> {
  checks.abortSignal(signal);
  if (!Array.isArray(fds) || fds.length !== 3) throw checks.refusal("fds", "an array of three descriptors", fds);
  const terminals = fds.map(numberOf).filter((fd) => isatty(fd));
  const terminal = terminals[0] === undefined ? undefined : new OwnedFd(native.dup(terminals[0], true));
  try {
    const settings = terminal && native.getTerminalSettings(terminal.fd);
    try {
      await socket.send(Buffer.from(GREETING), fds, { signal });
      await untilClosed(socket, signal);
    } finally {
      if (terminal && settings) restore(terminal.fd, settings);
    }
  } finally {
    closeQuietly(() => terminal?.close());
  }
}

// Raw mode of a borrower that died would leave the terminal without echo.
function restore(terminal: number, settings: Uint8Array): void {
  try {
    native.setTerminalSettings(terminal, settings);
  } catch {
    // EIO: the terminal is gone, and its settings with it.
  }
}

async function untilClosed(socket: UnixSocket, signal: AbortSignal | undefined): Promise<void> {
  for (;;) {
    const message = await socket.receive({ signal });
    if (!message) return;
    message[Symbol.dispose]();
  }
}

/** Borrowed standard streams: the borrower's to close, before or after it closes the connection. */
export class BorrowedStdio implements Disposable {
  readonly stdin: OwnedFd;
  readonly stdout: OwnedFd;
  readonly stderr: OwnedFd;

  constructor(stdin: OwnedFd, stdout: OwnedFd, stderr: OwnedFd) {
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /**
   * The numbers, borrowed, as the option `stdio` of `child_process.spawn` takes them. When `spawn` has returned, this
   * process's copies can be closed.
   *
   * @throws CmsgError ERR_CMSG_CLOSED
   */
  get stdio(): [stdin: number, stdout: number, stderr: number] {
    return [this.stdin.fd, this.stdout.fd, this.stderr.fd];
  }

  /** Closes all three. A second call does nothing. */
  close(): void {
    closeAll([this.stdin, this.stdout, this.stderr]);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Takes the standard streams that `lend` sends over `socket`, which it borrows: close it to give them back.
 *
 * @throws CmsgError ERR_CMSG_EOF (closed before they came), ERR_CMSG_NOT_STDIO (something else came; its descriptors
 * are closed), ERR_CMSG_TRUNCATED, ERR_CMSG_CLOSED; ECONNRESET …; the signal's reason.
 */
export async function borrow(socket: UnixSocket, { signal }: StdioOptions = {}): Promise<BorrowedStdio> {
  const message = await socket.receive({ length: GREETING.length + 1, signal }).catch((error: unknown) => {
    if (error instanceof CmsgError && error.code === "ERR_CMSG_DATA_TRUNCATED")
      throw notStdio("a longer record", error);
    throw error;
  });
  if (!message) throw new CmsgError("ERR_CMSG_EOF", "Expected standard streams; the lender closed without a message.");
  const { data, fds } = message;
  const [stdin, stdout, stderr, ...surplus] = fds;
  if (data.toString("latin1") === GREETING && stdin && stdout && stderr && surplus.length === 0) {
    return new BorrowedStdio(stdin, stdout, stderr);
  }
  const count = fds.length;
  closeAll(fds);
  throw notStdio(`${data.length} bytes with ${count} descriptors`);
}

function notStdio(seen: string, cause?: unknown): CmsgError {
  return new CmsgError(
    "ERR_CMSG_NOT_STDIO",
    `Expected "${GREETING}" with three descriptors, as lend() sends them; ${seen} came, and are closed. Is the other ` +
      "side a lender?",
    { cause },
  );
}

/**
 * `borrow`, and then puts them in the place of this process's own 0, 1 and 2 with dup2(2): the old ones are closed, on a
 * thread, and programs started from here inherit the new ones. `process.stdin`, `process.stdout` and `console`, first used
 * afterwards, are streams of the right kind. Used before, a stream of output that is a pipe or a file goes on with the
 * new one, since it writes to the number; what cannot follow is refused. For the whole process: not in a Worker.
 *
 * @throws CmsgError ERR_CMSG_STDIO_IN_USE: Node has opened a terminal a second time for `process.stdin`, `stdout` or
 * `stderr`, or reads from `process.stdin`, and would go on with the old one. Nothing is received then: before a take-over
 * write with `fs.writeSync(2, …)`, or use `borrow` and spawn. And as `borrow`.
 */
export async function takeOver(socket: UnixSocket, options: StdioOptions = {}): Promise<void> {
  checks.abortSignal(options.signal);
  refuseUsedStreams();
  using borrowed = await borrow(socket, options);
  // Again: what was used in the meantime. From here on nothing else runs.
  refuseUsedStreams();
  for (const [standard, fd] of borrowed.stdio.entries()) native.duplicateTo(fd, standard);
}
