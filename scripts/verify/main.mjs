// pnpm verify: what takes longer than `pnpm test`, as a list of steps (steps.mjs), one result line each.
//   node scripts/verify/main.mjs                        every step
//   node scripts/verify/main.mjs --only NAME…           these; --list says which there are
//   node scripts/verify/main.mjs --short                those that have a short form, in that: CI's
//   node scripts/verify/main.mjs --resume               goes on: steps that passed on this commit are not run again
// What a step prints goes to build/verify/NAME.log, and its end to the terminal when it failed. The exit status is 0 when
// every step passed, 1 when one did not, 2 on a wrong command line. A step that lacks a program fails and names it.
// What passed is kept in build/verify/passed.json while the tree is that of a commit.
import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readPassed, verifiedCommit, writePassed } from "./results.mjs";
import { steps } from "./steps.mjs";

const TAIL_LINES = 30;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const logs = join(root, "build/verify");
const results = join(logs, "passed.json");

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

/** The last line of what it printed when it passed; undefined when it did not. */
async function attempt(step) {
  const begin = performance.now();
  const log = join(logs, `${step.name}.log`);
  const lacks = missing(step);
  if (lacks.length > 0) {
    console.log(`FAIL ${step.name}: not installed: ${lacks.join(", ")}`);
    return undefined;
  }
  const failure = await run(step, log);
  const seconds = Math.round((performance.now() - begin) / 1000);
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  if (failure === undefined) {
    const last = lines.at(-1) ?? "";
    console.log(`ok   ${step.name} (${seconds} s): ${last}`);
    return last;
  }
  console.log(`FAIL ${step.name} (${seconds} s): ${failure}; the end of ${log}:`);
  for (const line of lines.slice(-TAIL_LINES)) console.log(`     ${line}`);
  return undefined;
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
    parsed = parseArgs({ options: { only, list: flag, short: flag, resume: flag }, allowPositionals: true });
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
  const resume = values.resume === true;
  if (!values.short) return { todo: asked.map((step) => ({ ...step, key: step.name })), resume };
  const short = asked.filter(({ short }) => short);
  return { todo: short.map((step) => ({ ...step, ...step.short, key: `${step.name} --short` })), resume };
}

const { todo, resume } = chosen();
mkdirSync(logs, { recursive: true });
const tree = verifiedCommit(root);
if ("reason" in tree) {
  console.log(
    `verify: ${resume ? "every step runs, and no result is kept" : "no result is kept for --resume"}: ${tree.reason}`,
  );
}
const kept = "commit" in tree ? readPassed(results, tree.commit) : {};
if (!resume) for (const { key } of todo) delete kept[key];

/** A tree that was changed meanwhile is not the commit's: what passed says nothing of it. */
function keep(key, last) {
  const now = verifiedCommit(root);
  if (!("commit" in tree) || !("commit" in now) || now.commit !== tree.commit) return;
  kept[key] = last;
  writePassed(results, tree.commit, kept);
}

let passed = 0;
let passedEarlier = 0;
for (const step of todo) {
  if (resume && Object.hasOwn(kept, step.key)) {
    console.log(`ok   ${step.name} (passed earlier): ${kept[step.key]}`);
    passedEarlier++;
    continue;
  }
  const last = await attempt(step);
  if (last === undefined) continue;
  keep(step.key, last);
  passed++;
}
const all = passed + passedEarlier;
console.log(`\n${all} of ${todo.length} steps passed${passedEarlier > 0 ? `, ${passedEarlier} of them earlier` : ""}`);
process.exit(all === todo.length ? 0 : 1);
