// The limits of an operation that waits: a time, and its caller's signal.
//
// Not AbortSignal.any: in Node.js 20 each call leaves an entry in its sources, so a signal that lives as long as a service
// would grow with every operation. Nor AbortSignal.timeout, which cannot be taken back.
import { onAbort, throwIfAborted } from "cmsg-native";

export interface Deadline {
  /** From 1 to 2147483647, or Infinity for never. */
  timeoutMs: number;
  signal: AbortSignal | undefined;
  /** The error to reject with when the time is up; made then. */
  timedOut: () => Error;
}

/**
 * Runs `work` with a signal that aborts when the caller's does, or when the time is up. `work` has to reject then; the
 * result rejects with the signal's reason, or with the error of `timedOut`. A result that `work` gives nevertheless is the
 * caller's. Afterwards no timer is left, and no listener on the caller's signal.
 *
 * @param work its second argument takes the time limit away: what was waited for has come
 */
export async function withDeadline<Result>(
  { timeoutMs, signal, timedOut }: Deadline,
  work: (signal: AbortSignal, stopTimer: () => void) => Promise<Result>,
): Promise<Result> {
  throwIfAborted(signal);
  const ending = new AbortController();
  const timer = Number.isFinite(timeoutMs) ? setTimeout(() => ending.abort(timedOut()), timeoutMs) : undefined;
  const stopWaiting = signal && onAbort(signal, () => ending.abort(signal.reason));
  try {
    return await work(ending.signal, () => clearTimeout(timer));
  } catch (error) {
    throwIfAborted(ending.signal);
    throw error;
  } finally {
    clearTimeout(timer);
    stopWaiting?.();
  }
}
