// What is known of descriptors that are being closed on threads: native/addon/closer.h.
import { ClosingEvent, ClosingKind, type ClosingState, callApart, native } from "cmsg-native";
import { publish } from "../diagnostics.js";

const KINDS = new Map<number, string>([
  [ClosingKind.masters, "master"],
  [ClosingKind.listeners, "listener"],
  [ClosingKind.others, "other"],
]);

/**
 * Descriptors of the whole process that were closed with `close()` and are still open, because close(2) of a descriptor
 * that another process had a hand in runs on a thread and may wait. `count` is their number, `oldestMs` for how many
 * milliseconds the oldest has been waiting. Until it is closed, a descriptor counts against RLIMIT_NOFILE and its number is
 * not used again.
 *
 *     const { count, oldestMs } = closing();
 *     if (oldestMs > 10_000) console.warn(`${count} descriptors cannot be closed`);
 */
export function closing(): ClosingState {
  return native.closing();
}

interface Waiter {
  mark: number[];
  resolve: () => void;
}

const waiters = new Set<Waiter>();

/**
 * Resolves when every descriptor is closed that was handed over for closing before this call, by any part of the process.
 * It never rejects. While it waits, the process stays alive: for as long as another process lets a close hang.
 *
 *     message[Symbol.dispose]();
 *     await closed();
 */
export function closed(): Promise<void> {
  const mark = native.closingMark();
  return new Promise((resolve) => {
    waiters.add({ mark, resolve });
    // First, so that what is closed in between is told.
    native.awaitClosed(true);
    settle();
  });
}

function settle(): void {
  for (const waiter of waiters) {
    if (!native.closedBefore(waiter.mark)) continue;
    waiters.delete(waiter);
    waiter.resolve();
  }
  if (waiters.size === 0) native.awaitClosed(false);
}

const warned = new Set<string>();

function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type: "CmsgWarning", code });
}

function told(event: number, kind: number, ms: number): void {
  if (event === ClosingEvent.closed) {
    settle();
  } else if (event === ClosingEvent.hangs) {
    publish("hang", { kind: KINDS.get(kind), ms, ...closing() });
    warnOnce(
      "CMSG_CLOSE_HANGS",
      `close(2) of a descriptor that another process had a hand in has lasted ${ms} ms: another process makes it wait. ` +
        "The event loop goes on. diagnostics_channel cmsg:hang tells of each one.",
    );
  } else if (event === ClosingEvent.full) {
    publish("full", closing());
    warnOnce(
      "CMSG_CLOSER_FULL",
      "No further descriptor of another process can be closed: every closing thread hangs. Servers accept no connection " +
        "until one is free, which diagnostics_channel cmsg:free tells.",
    );
  } else {
    publish("free", closing());
  }
}

// A subscriber's exception is an uncaught one.
native.onClosing((event, kind, ms) => void callApart(() => told(event, kind, ms)));
