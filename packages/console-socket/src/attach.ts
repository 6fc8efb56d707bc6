// A console in a person's hands: their terminal in front, the program's behind.
import type { EventEmitter } from "node:events";
import type { Readable, Writable } from "node:stream";
import { ReadStream, WriteStream } from "node:tty";
import type { Console } from "./console.js";
import { RawTerminal } from "./raw-terminal.js";

export interface AttachOptions {
  /** What is typed; null types nothing. process.stdin by default. A terminal is in raw mode meanwhile. */
  stdin?: Readable | null;
  /** Where the output goes. process.stdout by default. A terminal's size becomes the console's, now and when it changes. */
  stdout?: Writable;
  /** Told of the terminal in raw mode, for who handles signals that stop and continue the process. */
  onRaw?: (terminal: RawTerminal) => void;
}

/**
 * Connects `console` with a terminal, or with any two streams, until it ends. The end of `stdin` is not typed: it ends
 * nothing. On every way out the terminal is as it was; the console is the caller's throughout.
 *
 * @returns `'ended'` after the last byte was handed to `stdout`.
 * @throws the console's error, such as ERR_CONSOLE_TAMPERED, or stdout's, such as EPIPE.
 */
export async function attach(
  console: Console,
  { stdin = process.stdin, stdout = process.stdout, onRaw }: AttachOptions = {},
): Promise<"ended"> {
  using raw =
    stdin instanceof ReadStream && stdin.isTTY ? new RawTerminal((stdin as typeof process.stdin).fd) : undefined;
  if (raw) onRaw?.(raw);
  const stopFollowing = followSize(console, stdout);
  // Losing the keyboard (EIO, a closed pipe) is the end of typing, not of the console.
  const ignore = (): void => undefined;
  stdin?.on("error", ignore);
  stdin?.pipe(console, { end: false });
  try {
    await outputTo(console, stdout);
    return "ended";
  } finally {
    stopFollowing();
    stdin?.unpipe(console);
    // A paused terminal lets the process end without waiting for one more key.
    stdin?.pause();
    stdin?.off("error", ignore);
  }
}

function followSize(console: Console, stdout: Writable): () => void {
  if (!(stdout instanceof WriteStream && stdout.isTTY)) return () => undefined;
  const follow = (): void => console.resize(stdout.columns, stdout.rows);
  follow();
  stdout.on("resize", follow);
  return () => stdout.off("resize", follow);
}

async function outputTo(console: Console, stdout: Writable): Promise<void> {
  const listeners = new AbortController();
  const { signal } = listeners;
  try {
    await new Promise<void>((resolve, reject) => {
      if (console.destroyed) return resolve();
      // What pipe handed over before is written before this.
      listen(console, "end", () => stdout.write("", () => resolve()), signal);
      listen(console, "close", () => resolve(), signal);
      listen(console, "error", reject, signal);
      listen(stdout, "error", reject, signal);
      console.pipe(stdout, { end: false });
    });
  } finally {
    listeners.abort();
    console.unpipe(stdout);
  }
}

function listen(emitter: EventEmitter, event: string, heard: (error: Error) => void, signal: AbortSignal): void {
  emitter.on(event, heard);
  signal.addEventListener("abort", () => emitter.off(event, heard));
}
