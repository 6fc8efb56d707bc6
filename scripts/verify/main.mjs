// pnpm verify: what takes longer than `pnpm test`, as a list of steps (steps.mjs), one result line each.
//   node scripts/verify/main.mjs                        every step
//   node scripts/verify/main.mjs --only NAME…           these; --list says which there are
//   node scripts/verify/main.mjs --short                those that have a short form, in that: CI's
// What a step prints goes to build/verify/NAME.log, and its end to the terminal when it failed. The exit status is 0 when
// every step passed, 1 when one did not, 2 on a wrong command line. A step that lacks a program fails and names it.
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { steps } from "./steps.mjs";

const TAIL_LINES = 30;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const logs = join(root, "build/verify");

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The Debian packages of the programs that are not in PATH. */
function missing({ needs = {} }) {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return Object.entries(needs)
    .filter(([program]) => !directories.some((directory) => isExecutable(join(directory, program))))
    .map(([program, debian]) => `${program} (Debian: ${debian})`);
}

function run({ command: [program, ...args], env }, log) {
  const output = openSync(log, "w");
  // The same node, also where another one is first in PATH.
  const child = spawn(program === "node" ? process.execPath : program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  return new Promise((done) => {
    child.once("error", (error) => done(error.message));
    child.once("exit", (status, signal) => done(status === 0 ? undefined : (signal ?? `status ${status}`)));
  });
}

async function attempt(step) {
  const begin = performance.now();
  const log = join(logs, `${step.name}.log`);
  const lacks = missing(step);
  if (lacks.length > 0) {
    console.log(`FAIL ${step.name}: not installed: ${lacks.join(", ")}`);
    return false;
  }
  const failure = await run(step, log);
  const seconds = Math.round((performance.now() - begin) / 1000);
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  if (failure === undefined) {
    console.log(`ok   ${step.name} (${seconds} s): ${lines.at(-1)}`);
    return true;
  }
  console.log(`FAIL ${step.name} (${seconds} s): ${failure}; the end of ${log}:`);
  for (const line of lines.slice(-TAIL_LINES)) console.log(`     ${line}`);
  return false;
}

function usage(message) {
  console.error(`verify: ${message}; the steps are ${steps.map(({ name }) => name).join(", ")}`);
  return process.exit(2);
}

function chosen() {
  let parsed;
  try {
    const flag = /** @type {const} */ ({ type: "boolean" });
    const only = /** @type {const} */ ({ type: "string", multiple: true });
    parsed = parseArgs({ options: { only, list: flag, short: flag }, allowPositionals: true });
  } catch (error) {
    return usage(error.message);
  }
  const { values, positionals } = parsed;
  const { only = [] } = values;
  if (positionals.length > 0 && only.length === 0) usage("names come after --only");
  if (values.list) {
    for (const { name, what } of steps) console.log(`${name.padEnd(18)} ${what}`);
    process.exit(0);
  }
  const names = [...only, ...positionals];
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) usage(`no step ${unknown.join(", ")}`);
  const asked = names.length > 0 ? steps.filter(({ name }) => names.includes(name)) : steps;
  if (!values.short) return asked;
  return asked.filter(({ short }) => short).map((step) => ({ ...step, ...step.short }));
}

const todo = chosen();
mkdirSync(logs, { recursive: true });
let passed = 0;
for (const step of todo) if (await attempt(step)) passed++;
console.log(`\n${passed} of ${todo.length} steps passed`);
process.exit(passed === todo.length ? 0 : 1);
