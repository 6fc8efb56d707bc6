// Runs test files, some at a time, and writes one stream of TAP, as tap's own runner does. That one needs seconds to
// load before the first test starts, and is used where coverage is measured.
import { spawn } from "node:child_process";
import { PassThrough } from "node:stream";
import { compiledOf, sourceOf } from "./files.mjs";

const GRACE_MS = 11_000; // tap itself gives a file that hangs 10 s to say what it waits for

/**
 * @typedef {object} Options
 * @property {string} root
 * @property {NodeJS.ProcessEnv} env
 * @property {number} jobs How many files run at a time.
 * @property {number} timeoutS A file that runs longer is ended.
 * @property {number} [graceMs] How much later it is killed, if it has not ended.
 */

/** Indented, as the lines of a subtest are. */
const inner = (/** @type {string} */ text) => text.replace(/^(?=.)/gm, "    ");

const hasTests = (/** @type {string} */ text) => /^(?:not )?ok\b/m.test(text);

/** A failure's details; a JSON text is YAML too. */
const details = (/** @type {object} */ diag) => `  ---\n  ${JSON.stringify(diag)}\n  ...\n`;

/** @returns {Promise<{ text: string, status: number | null, signal: string | null, late: boolean }>} */
function runFile(
  /** @type {string} */ name,
  /** @type {Options} */ options,
  /** @type {Set<import("node:child_process").ChildProcess>} */ running,
) {
  const { root, env, timeoutS, graceMs = GRACE_MS } = options;
  const child = spawn(process.execPath, ["--enable-source-maps", compiledOf(name)], {
    cwd: root,
    env: { ...env, TAP: "1", TAP_CHILD_ID: "1", TAP_TIMEOUT: String(timeoutS) },
    stdio: ["inherit", "pipe", "inherit"],
  });
  running.add(child);
  let text = "";
  let late = false;
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  const timer = setTimeout(
    () => {
      late = true;
      child.kill("SIGKILL");
    },
    timeoutS * 1000 + graceMs,
  );
  return new Promise((done) => {
    const end = (/** @type {number | null} */ status, /** @type {string | null} */ signal) => {
      clearTimeout(timer);
      running.delete(child);
      done({ text, status, signal, late });
    };
    child.once("error", (error) => {
      text += `# ${error.message}\n`;
      end(null, error.message);
    });
    child.once("close", end);
  });
}

/** A file's result line; without a test it is a skip, as tap has it. */
function resultLine(
  /** @type {number} */ number,
  /** @type {string} */ name,
  /** @type {Awaited<ReturnType<typeof runFile>>} */ end,
  /** @type {number} */ ms,
) {
  const line = `${number} - ${sourceOf(name)}`;
  const time = `# time=${ms.toFixed(3)}ms`;
  if (end.status !== 0) {
    const ended = end.late ? "killed: it did not end in time" : (end.signal ?? `status ${end.status}`);
    return `not ok ${line} ${time}\n${details({ ended })}`;
  }
  return !hasTests(end.text) ? `ok ${line} # SKIP no tests found\n` : `ok ${line} ${time}\n`;
}

/**
 * @param {string[]} names
 * @param {Options} options
 * @returns {{ tap: PassThrough, kill: (signal: NodeJS.Signals) => void }}
 */
export function runFiles(names, options) {
  const tap = new PassThrough();
  const running = new Set();
  const queue = [...names];
  let number = 0;
  let ended = false;
  const work = async () => {
    for (let name = queue.shift(); name !== undefined && !ended; name = queue.shift()) {
      const begin = performance.now();
      const end = await runFile(name, options, running);
      const line = resultLine(++number, name, end, performance.now() - begin);
      // What has no test in it is no subtest: what it printed is shown as it is.
      const subtest = hasTests(end.text) ? `# Subtest: ${sourceOf(name)}\n${inner(end.text)}` : end.text;
      tap.write(subtest + line);
    }
  };
  tap.write("TAP version 14\n");
  Promise.all(Array.from({ length: options.jobs }, work)).then(() => tap.end(`1..${number}\n`));
  return {
    tap,
    kill(signal) {
      ended = true;
      for (const child of running) child.kill(signal);
    },
  };
}
