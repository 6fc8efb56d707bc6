// Every error code that the packages document is produced in a whole test run: what record-error-codes.mjs noted in each
// of its processes, against the packages' own tables.
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CMSG_ERROR_CODES, CmsgError } from "../packages/cmsg/dist/errors.js";
import { CONSOLE_ERROR_CODES, ConsoleSocketError } from "../packages/console-socket/dist/errors.js";
import { INIT_ERROR_CODES, InitError } from "../packages/init/dist/errors.js";

export const errorClasses = [CmsgError, ConsoleSocketError, InitError];

const preload = new URL("./record-error-codes.mjs", import.meta.url).href;

/** The environment of a run whose error codes are noted in `directory`. */
export function recordingErrorCodes(directory) {
  const file = join(directory, "error-codes");
  writeFileSync(file, "");
  chmodSync(file, 0o666); // tests act as other users too
  const options = [process.env.NODE_OPTIONS, `--import=${preload}`].filter(Boolean).join(" ");
  return { NODE_OPTIONS: options, CONSOLE_TEST_ERROR_CODES: file };
}

/** The codes that nothing in the run produced. */
export function unseenErrorCodes({ CONSOLE_TEST_ERROR_CODES: file }) {
  const seen = new Set(readFileSync(file, "utf8").split("\n"));
  const all = [CMSG_ERROR_CODES, CONSOLE_ERROR_CODES, INIT_ERROR_CODES].flatMap(Object.keys);
  return all.filter((code) => !seen.has(code));
}
