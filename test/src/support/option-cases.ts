// Tables of options: what each one takes, and what it refuses with its package's ERR_…_INVALID_ARG.
import { inspect } from "node:util";
import type { Test } from "tap";
import { assertNoLeak, openFds } from "./open-fds.js";

export interface OptionCase {
  /** The option as the message names it, and the function that takes it. */
  name: string;
  of: string;
  /** Calls the function with the value; the promise or the result that it gives. */
  call: (value: never) => unknown;
  refused: readonly unknown[];
  /** Values at the edges, which `call` must not refuse. It may fail for another reason, or wait: `settle` ends that. */
  accepted: readonly unknown[];
}

/** No whole numbers, and no numbers at all. */
const NO_NUMBERS: readonly unknown[] = [Number.NaN, 1.5, Number.NEGATIVE_INFINITY, "5", null, {}, [], true];
const { POSITIVE_INFINITY } = Number;

/** For whole numbers from 0 to 2147483647. */
export const NO_COUNT: readonly unknown[] = [...NO_NUMBERS, POSITIVE_INFINITY, -1, 2 ** 31];
/** For whole numbers from 1 to 2147483647, times among them. */
export const NO_POSITIVE: readonly unknown[] = [...NO_COUNT, 0];
/** For times from 1 ms on, where Infinity stands for never. */
export const NO_TIME: readonly unknown[] = [...NO_NUMBERS, -1, 0, 2 ** 31, 0.5];
/** For numbers of 32 bits. */
export const NO_U32: readonly unknown[] = [...NO_NUMBERS, POSITIVE_INFINITY, -1, 2 ** 32];
/** For users and groups. */
export const NO_ID: readonly unknown[] = [...NO_U32, 2 ** 32 - 1];
/** For columns and rows. */
export const NO_CELLS: readonly unknown[] = [...NO_POSITIVE, 65_536];
export const NO_SIZE: readonly unknown[] = [
  ...["80x24", null, 5, {}, [80, 24], { columns: 80 }],
  ...NO_CELLS.flatMap((cells) => [
    { columns: cells, rows: 24 },
    { columns: 80, rows: cells },
  ]),
];
export const NO_SIGNAL: readonly unknown[] = [{}, null, "SIGTERM", 15, { aborted: false }, new AbortController()];
/** For signals by name or number, 0 to 64. */
export const NO_SIGNAL_NUMBER: readonly unknown[] = [Number.NaN, -1, 1.5, 65, "SIGNONE", "15", "toString", null, {}];
export const NO_FUNCTION: readonly unknown[] = [null, "f", 5, {}];

/** How it ended at once: an error, or nothing when it went on, or waits. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    const result = call();
    if (!(result instanceof Promise)) return undefined;
    const waiting = new Promise((resolve) => setImmediate(() => setImmediate(resolve, undefined)));
    return await Promise.race([result.then(() => undefined), waiting]);
  } catch (error) {
    return error;
  }
}

/** One subtest for each option: every refused value names itself, its range and its option; nothing stays open. */
export function testOptions(t: Test, code: string, cases: readonly OptionCase[]): void {
  for (const { name, of, call, refused, accepted } of cases) {
    t.test(`${of} [${name}] takes what is in range, and refuses all else with ${code}`, async (t) => {
      const before = openFds();
      for (const value of refused) {
        const error = (await errorOf(() => call(value as never))) as { code?: string; message?: string } | undefined;
        t.match(error, { code, message: name }, inspect(value, { breakLength: Number.POSITIVE_INFINITY }));
        t.match(error?.message, /^Expected .+ to be .+; got .+\.$/s);
      }
      for (const value of accepted) {
        const error = (await errorOf(() => call(value as never))) as { code?: string } | undefined;
        t.not(error?.code, code, inspect(value));
      }
      await assertNoLeak(t, before);
    });
  }
}
