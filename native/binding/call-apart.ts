/**
 * Calls a listener of the caller's. An exception of it is an uncaught one, right after the current operation, as it is from
 * a listener of Node.js's own sockets; it does not interrupt the work that called it.
 *
 * @returns what `listener` returns; undefined when it throws
 */
export function callApart<Result>(listener: () => Result): Result | undefined {
  try {
    return listener();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
    return undefined;
  }
}
