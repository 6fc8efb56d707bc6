// A stream in the place of an address: the caller has connected it, or is connecting it.
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { withDeadline } from "../../deadline.js";
import { ConsoleSocketError } from "../../errors.js";
import { DIAL_TIMEOUT_MS, type DialOptions } from "./dial.js";

/**
 * Takes the stream, and waits until it is connected (`connecting` of `net.Socket`). It is destroyed when this rejects.
 *
 * @throws ConsoleSocketError ERR_CONSOLE_UNREACHABLE: the time is up; the stream's own error; the signal's reason
 */
export async function connectedStream(
  stream: Duplex,
  { signal, timeoutMs = DIAL_TIMEOUT_MS }: DialOptions,
): Promise<Duplex> {
  const timedOut = (): ConsoleSocketError =>
    new ConsoleSocketError(
      "ERR_CONSOLE_UNREACHABLE",
      `Expected the stream to be connected within ${timeoutMs / 1000} s`,
    );
  try {
    return await withDeadline({ timeoutMs, signal, timedOut }, async (deadline) => {
      if ("connecting" in stream && stream.connecting) await once(stream, "connect", { signal: deadline });
      return stream;
    });
  } catch (error) {
    stream.destroy();
    throw error;
  }
}
