// A console in a person's hands: their terminal in front, the program's behind.
import type { EventEmitter } from "node:events";
import type { Readable, Writable } from "node:stream";
import { ReadStream, WriteStream } from "node:tty";
import type { Console } from "../console/console.js";
import type { WindowSize } from "../console/window-size.js";
import { ConsoleSocketError } from "../errors.js";
import { checks } from "../options.js";
import { DetachKeys, parseDetachKeys } from "./detach-keys.js";
import { RawTerminal } from "./raw-terminal.js";

export interface AttachOptions {
  /** What is typed; null types nothing. process.stdin by default. A terminal is in raw mode meanwhile. */
  stdin?: Readable | null;
  /** Where the output goes. process.stdout by default. A terminal's size becomes the console's, now and when it changes. */
  stdout?: Writable;
  /** false leaves the console's size as it is. */
  followSize?: boolean;
  /** Told of each size that the console gets. */
  onResize?: ((size: WindowSize) => void) | undefined;
  /**
   * Keys that detach: docker's syntax, such as "ctrl-p,ctrl-q". None by default. What may be their beginning waits a
   * second for the next key, and is typed then.
   */
  detachKeys?: string | undefined;
  /**
   * Given the terminal before it becomes raw. The library handles no signals: a program that SIGHUP, SIGQUIT or SIGTSTP
   * may reach handles them, calls `restore()`, and then does what the signal would have done; `enter()` after SIGCONT.
   */
  onRaw?: (terminal: RawTerminal) => void;
}

/**
 * Connects `console` with a terminal, or with any two streams, until it ends. The end of `stdin` is not typed: it ends
 * nothing. When the promise settles, and when the process exits, the terminal is as it was; a signal that ends or stops
 * the process is its program's to handle (`onRaw`). The console is the caller's throughout.
 *
 *     const how = await attach(terminal, { detachKeys: "ctrl-p,ctrl-q" });
 *     if (how === "detached") terminal.destroy();
 *
 * @returns `'ended'` after the last byte was handed to `stdout`, or `'detached'` when the detach keys were typed. What was
 * typed after them stays in `stdin`.
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG (the detach keys, a stdin that was destroyed); the console's error,
 * such as ERR_CONSOLE_TAMPERED, or stdout's, such as EPIPE.
 */
export async function attach(
  terminal: Console,
  {
    stdin = process.stdin,
    stdout = process.stdout,
    followSize = true,
    onResize,
    detachKeys,
    onRaw,
  }: AttachOptions = {},
): Promise<"ended" | "detached"> {
  checks.callback("onResize", onResize);
  checks.callback("onRaw", onRaw);
  const keys = detachKeys === undefined ? undefined : parseDetachKeys(detachKeys);
  using raw = stdin instanceof ReadStream && stdin.isTTY ? new RawTerminal(numberOf(stdin)) : undefined;
  if (raw) {
    // First who handles the signals: one that comes in between must not leave the terminal raw.
    onRaw?.(raw);
    raw.enter();
  }
  const stopFollowing = followSize ? followTerminal(terminal, stdout, onResize) : undefined;
  const detaching = new AbortController();
  const stopTyping = stdin ? typeInto(terminal, stdin, keys, () => detaching.abort()) : undefined;
  try {
    return await outputTo(terminal, stdout, detaching.signal);
  } finally {
    stopFollowing?.();
    stopTyping?.();
  }
}

// process.stdin says its number; a ReadStream that somebody made keeps it in Node's handle.
function numberOf(stdin: ReadStream): number {
  const { fd, _handle } = stdin as { fd?: number; _handle?: { fd: number } };
  const number = fd ?? _handle?.fd;
  if (number !== undefined && number >= 0) return number;
  throw new ConsoleSocketError("ERR_CONSOLE_INVALID_ARG", "Expected stdin to be open; this terminal was destroyed.");
}

function typeInto(terminal: Console, stdin: Readable, keys: Buffer | undefined, onDetach: () => void): () => void {
  const filter = keys
    ? new DetachKeys(keys, (rest) => {
        stdin.unpipe(filter).pause();
        if (rest.length > 0) stdin.unshift(rest);
        onDetach();
      })
    : undefined;
  const typed = filter ? stdin.pipe(filter) : stdin;
  // Losing the keyboard (EIO, a closed pipe) is the end of typing, not of the console.
  const ignore = (): void => undefined;
  stdin.on("error", ignore);
  typed.pipe(terminal, { end: false });
  return () => {
    typed.unpipe(terminal);
    if (filter) stdin.unpipe(filter);
    filter?.destroy();
    // A paused terminal lets the process end without waiting for one more key.
    stdin.pause();
    stdin.off("error", ignore);
  };
}

function followTerminal(
  terminal: Console,
  stdout: Writable,
  onResize: ((size: WindowSize) => void) | undefined,
): () => void {
  if (!(stdout instanceof WriteStream && stdout.isTTY)) return () => undefined;
  const follow = (): void => {
    const { columns, rows } = stdout;
    // A terminal of which nobody has said how large it is, as on a serial line.
    if (columns < 1 || rows < 1) return;
    terminal.resize(columns, rows);
    onResize?.({ columns, rows });
  };
  follow();
  stdout.on("resize", follow);
  return () => stdout.off("resize", follow);
}

async function outputTo(terminal: Console, stdout: Writable, detaching: AbortSignal): Promise<"ended" | "detached"> {
  if (terminal.destroyed) return "ended";
  const listening = new AbortController();
  const { signal } = listening;
  try {
    return await new Promise((resolve, reject) => {
      detaching.addEventListener("abort", () => resolve("detached"), { signal });
      // The callback runs after everything that pipe() wrote before has been written.
      onUntil(signal, terminal, "end", () => stdout.write("", () => resolve("ended")));
      // Without an 'end' there is nothing to flush.
      onUntil(signal, terminal, "close", () => {
        if (!terminal.readableEnded) resolve("ended");
      });
      onUntil(signal, terminal, "error", reject);
      onUntil(signal, stdout, "error", reject);
      terminal.pipe(stdout, { end: false });
    });
  } finally {
    listening.abort();
    terminal.unpipe(stdout);
  }
}

/** Listens until `signal` aborts. */
function onUntil(signal: AbortSignal, emitter: EventEmitter, event: string, listener: (error: Error) => void): void {
  emitter.on(event, listener);
  signal.addEventListener("abort", () => emitter.off(event, listener));
}
