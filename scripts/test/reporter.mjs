// What a test run prints: one line per test file, then what was skipped, then what failed, and as the last line the
// count. scripts/test.mjs pipes TAP through it and asks for the summary when the run has ended, because only then is
// known whether the runner itself lived to the end.
import { Transform } from "node:stream";
import { Parser } from "tap-parser";
import { groupSkips, installLine } from "./skips.mjs";

// tap calls a file without a single test a skip. Nothing was tested, so here it is a failure.
const EMPTY_FILE = "no tests found";

// Why a test is skipped that --grep leaves out: tap says it so.
const LEFT_OUT = /^filter: /;

// A failed test's comments that begin so are what its terminals showed: test/src/support/show-on-failure.ts.
const SHOWN = /^# shown\| ?(.*)\n?$/;

/** @typedef {Record<string, unknown>} Diagnostics */
/** @typedef {{ name: string, diag: Diagnostics | undefined, shown: string[] }} Failure */
/** @typedef {import("tap-parser").Result} Result */

/** A file by its source, whichever runner named it. */
const bySource = (/** @type {string} */ name) => name.replace(/^test\/dist\/(.*)\.js$/, "test/src/$1.ts");

export class PlainReporter extends Transform {
  #parser = new Parser();
  #strict;
  #filtered;
  #passed = 0;
  /** @type {Failure[]} */
  #failures = [];
  /** @type {import("./skips.mjs").Skip[]} */
  #skips = [];
  /** @type {string[]} Reasons, also where a skip is a failure. */
  #reasons = [];
  #complete = new Promise((resolve) => this.#parser.on("complete", resolve));

  /**
   * @param {object} options
   * @param {boolean} [options.strict] A skip is a failure.
   * @param {boolean} [options.filtered] A file in which no test was chosen is left out.
   */
  constructor({ strict = false, filtered = false } = {}) {
    super({ encoding: "utf8" });
    this.#strict = strict;
    this.#filtered = filtered;
    let counted = 0;
    this.#watch(this.#parser, [], (point, failures) => {
      const before = counted;
      counted = this.#counted;
      if (filtered && counted === before) return;
      const state = failures > 0 ? "FAIL" : point.skip ? "skip" : "ok  ";
      this.push(`${state} ${bySource(point.name)} (${Math.round(point.time ?? 0)} ms)\n`);
    });
    this.#parser.on("bailout", (reason) => this.fail(`Bail out! ${reason}`));
    // Neither TAP nor a comment: the coverage table, and what a test file printed to stdout.
    this.#parser.on("extra", (text) => this.push(text));
  }

  get #counted() {
    return this.#passed + this.failed + this.#skips.length;
  }

  get failed() {
    return this.#failures.length;
  }

  /** A failure that no test could report: the runner died, coverage is too low. */
  fail(/** @type {string} */ name, /** @type {Diagnostics | undefined} */ diag = undefined) {
    this.#failures.push({ name, diag, shown: [] });
  }

  /**
   * Count the leaf points of one stream. A point that closes a subtest counts only when it failed and nothing in it
   * did: a crash or a timeout is then not lost, and an assertion that failed five levels down is one failure, not six.
   * @param {Parser} parser
   * @param {string[]} path
   * @param {(point: Result, failures: number) => void} [onPoint]
   */
  #watch(parser, path, onPoint) {
    /** @type {number | undefined} Failures counted before the subtest now open. */
    let before;
    let subtest = 0; // the same of the last subtest, open or not
    /** @type {string[]} */
    let shown = [];
    const showLast = () => {
      this.#failures[subtest]?.shown.push(...shown);
      shown = [];
    };
    parser.on("child", (child) => {
      showLast();
      before = subtest = this.failed;
      this.#watch(child, [...path, bySource(child.name)]);
    });
    parser.on("comment", (text) => {
      const line = text.match(SHOWN)?.[1];
      if (line !== undefined) shown.push(line);
    });
    parser.on("complete", showLast);
    parser.on("assert", (point) => {
      const closesSubtest = before !== undefined;
      const start = before ?? this.failed;
      const name = [...path, bySource(point.name)].filter(Boolean).join(" > ");
      before = undefined;
      if (point.skip === EMPTY_FILE) this.#empty(name);
      else if (point.skip || point.todo) this.#skip(name, point.skip || point.todo);
      else if (point.ok && !closesSubtest) this.#passed++;
      else if (!point.ok && this.failed === start) this.fail(name, point.diag ?? undefined);
      onPoint?.(point, this.failed - start);
    });
  }

  #empty(/** @type {string} */ name) {
    if (!this.#filtered) this.fail(name, { reason: "not a single test in it" });
  }

  #skip(/** @type {string} */ name, /** @type {string | boolean} */ reason) {
    const why = typeof reason === "string" ? reason : "no reason given";
    if (this.#filtered && LEFT_OUT.test(why)) return;
    this.#reasons.push(why);
    if (this.#strict) this.fail(name, { skipped: why, reason: "CONSOLE_TEST_STRICT=1 allows no skip" });
    else this.#skips.push({ name, why });
  }

  /** @override @type {Transform["_transform"]} */
  _transform(chunk, _encoding, callback) {
    this.#parser.write(chunk);
    callback();
  }

  /** @override @type {Transform["_flush"]} */
  async _flush(callback) {
    this.#parser.end();
    await this.#complete;
    callback();
  }

  summary() {
    const skipped = this.#skips.length;
    if (this.#counted === 0) {
      this.fail("no test ran", this.#filtered ? { reason: "no test's name matches --grep" } : undefined);
    }
    const skips = [...groupSkips(this.#skips), ...installLine(this.#reasons)];
    const failures = this.#failures.flatMap(({ name, diag, shown }) => [
      ...["", `not ok: ${name}`],
      ...details(diag),
      ...shown.map((line) => `  | ${line}`),
    ]);
    const counts = [`${this.#passed} passed`, `${this.failed} failed`, ...(skipped ? [`${skipped} skipped`] : [])];
    return [...(skips.length > 0 ? ["", ...skips] : []), ...failures, "", counts.join(", "), ""].join("\n");
  }
}

// How tap started a test file: the same for every file, and longer than what went wrong.
const NOISE = new Set(["stdio", "cwd", "externalID", "command", "args"]);

/** Diagnostics with their line breaks as they are: a diff or a stack is unreadable as a JSON string. */
function details(/** @type {Diagnostics | undefined} */ diag) {
  const entries = Object.entries(diag ?? {}).filter(([key]) => !NOISE.has(key));
  return entries.flatMap(([key, value]) => {
    const text = typeof value === "string" ? value.trimEnd() : JSON.stringify(value);
    return text.includes("\n")
      ? [`  ${key}:`, ...text.split("\n").map((line) => `    ${line}`)]
      : [`  ${key}: ${text}`];
  });
}
