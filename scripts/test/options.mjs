// The command line of scripts/test.mjs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

export const USAGE = `pnpm test [PATTERN…] [OPTION]…        (pnpm t is the same)

Builds what has changed and runs the tests whose source in test/src has a PATTERN in its name, or all of them.

  pnpm t listener                    console-socket/listener and hostile/listener
  pnpm t hostile/                    a folder
  pnpm t test/src/cmsg/file.test.ts  one file
  pnpm t cmsg/file -g 'a file and'   one test of it

  -g, --grep PATTERN    only tests whose name matches the regular expression PATTERN, or /PATTERN/i; given twice, the
                        second is for the tests within those. Tests that are left out do not count as skipped.
      --coverage        measures coverage and prints its table, which takes longer
      --coverage-report NAME   in which form, such as lcovonly (implies --coverage)
      --jobs N          files at a time (2)
      --timeout N       seconds that a file may take (120)
      --help            this text

With CONSOLE_TEST_STRICT=1 a skip fails, and the whole suite has thresholds of coverage and must produce every
documented error code (--no-coverage leaves out the thresholds).
`;

/** What .taprc says, so that both ways to run agree. */
function configured(/** @type {string} */ root, /** @type {string} */ name) {
  const value = readFileSync(join(root, ".taprc"), "utf8").match(new RegExp(`^${name}: (\\d+)$`, "m"))?.[1];
  return Number(value);
}

function positive(
  /** @type {string | undefined} */ text,
  /** @type {string} */ option,
  /** @type {number} */ otherwise,
) {
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} expects a whole number from 1, got ${JSON.stringify(text)}`);
  return Number(text);
}

/** @throws {Error} for a wrong command line; its message is for the user. */
export function parseOptions(/** @type {string[]} */ args, /** @type {string} */ root) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      grep: { type: "string", short: "g", multiple: true, default: [] },
      coverage: { type: "boolean" },
      "no-coverage": { type: "boolean" },
      "coverage-report": { type: "string" },
      jobs: { type: "string" },
      timeout: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const report = values["coverage-report"];
  const strict = process.env["CONSOLE_TEST_STRICT"] === "1";
  const wholeSuite = positionals.length === 0 && values.grep.length === 0;
  const asked = values.coverage === true || report !== undefined;
  return {
    help: values.help === true,
    patterns: positionals,
    grep: values.grep,
    report,
    jobs: positive(values.jobs, "--jobs", configured(root, "jobs")),
    timeoutS: positive(values.timeout, "--timeout", configured(root, "timeout")),
    strict,
    wholeSuite,
    measured: asked || (strict && wholeSuite && !values["no-coverage"]),
  };
}
