// The limit of open files (EMFILE, ENFILE), and descriptors that are being closed: until then they count. A call that makes
// a descriptor is made once more a little later when some of those may be closed by then.
import { setTimeout as delay } from "node:timers/promises";
import type { ClosingFunctions } from "./closing.js";
import { loadAddon } from "./load.js";

const closer = loadAddon() as ClosingFunctions;

/** For how long a call waits by a timer. */
const DELAY_MS = 50;
/** For how long the event loop waits. It waits in vain at most once in a turn. */
const BLOCK_MS = 50;

/** Whether a call failed for want of a descriptor, and may succeed when others have been closed. */
export function mayFindRoom(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return (code === "EMFILE" || code === "ENFILE") && closer.closedLately();
}

/** Makes a call of an asynchronous operation, and the second attempt after a timer. */
export async function withRoom<Result>(call: () => Result): Promise<Result> {
  try {
    return call();
  } catch (error) {
    if (!mayFindRoom(error)) throw error;
    await delay(DELAY_MS);
    return call();
  }
}

let mayBlock = true;

/** The same call, with the second attempt after a short wait of the whole thread. */
export function waitingForRoom<Arguments extends unknown[], Result>(
  call: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  return (...given) => {
    try {
      return call(...given);
    } catch (error) {
      if (!mayBlock || !mayFindRoom(error)) throw error;
      mayBlock = false;
      closer.waitForClosing(BLOCK_MS);
      setImmediate(() => {
        mayBlock = true;
      }).unref();
      const result = call(...given);
      // What was being closed made room: a loop without a turn in between may go on so.
      mayBlock = true;
      return result;
    }
  };
}
