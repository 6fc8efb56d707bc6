import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { repository } from "./paths.js";

/**
 * The beginning of a command line that runs node as a user's shell would. tap patches child_process so that it is loaded
 * into every node that a test starts, to measure coverage, and there it listens to every signal: a program that dies by
 * a signal then does not. It cannot reach through env(1).
 */
export const plainNode: readonly [command: string, ...args: string[]] = ["env", ...options(), process.execPath];

// Which error codes it produces is noted all the same; not by an argument, since tests know processes by their arguments.
function options(): string[] {
  const recorder = pathToFileURL(join(repository, "scripts/record-error-codes.mjs")).href;
  return process.env["CONSOLE_TEST_ERROR_CODES"] ? [`NODE_OPTIONS=--import=${recorder}`] : ["-u", "NODE_OPTIONS"];
}
