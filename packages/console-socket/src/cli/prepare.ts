// What a command does before it opens a console in the foreground.
import type { CommonOptions } from "./common-options.js";
import type { Copies } from "./copies.js";
import { tidyBeforeDying } from "./signals.js";

interface Prepared {
  copies: Copies;
  /** Aborts when a deadly signal has come: what is being opened is given up. */
  dying: AbortSignal;
}

/**
 * Checks the detach keys, opens the files of --log and --record, and installs the handlers of deadly signals, which write
 * the copies to their end.
 *
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG (the detach keys); ENOENT, EACCES … of a file
 */
export async function prepare(options: CommonOptions & { detachKeys: string | undefined }): Promise<Prepared> {
  const { detachKeys } = options;
  if (detachKeys !== undefined) (await import("../attach/detach-keys.js")).parseDetachKeys(detachKeys);
  const { Copies } = await import("./copies.js");
  const copies = await Copies.open(options);
  const dying = new AbortController();
  tidyBeforeDying(async () => {
    dying.abort();
    await copies.finish();
  });
  return { copies, dying: dying.signal };
}
