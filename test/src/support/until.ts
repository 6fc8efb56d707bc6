// Waiting for something that raises no event in this process: another process' exit, a line on a screen, a descriptor
// closed by a thread. Everything that does raise one is awaited instead.
import { setTimeout as delay } from "node:timers/promises";

export interface UntilOptions {
  /** What is waited for, for the error: "the container to stop". A function is asked at the end, for what was seen. */
  what: string | (() => string);
  timeoutMs?: number;
}

/** Poll until `look` returns something other than undefined or false, and return that; reject at the deadline. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { what, timeoutMs = 10_000 }: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${typeof what === "string" ? what : what()}`);
    }
    await delay(10);
  }
}
