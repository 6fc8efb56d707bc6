// Programs in which system calls fail: fixtures/faults, built into test/build, and the program that steers it.
import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Test } from "tap";
import { fixture, fixtureBuild } from "./paths.js";
import { plainNode } from "./plain-node.js";
import { type Output, run } from "./processes.js";

async function library(t: Test): Promise<string> {
  mkdirSync(fixtureBuild, { recursive: true });
  const built = join(fixtureBuild, "faults.so");
  const own = `${built}.${process.pid}`;
  const flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", own];
  const sources = readdirSync(fixture("faults"))
    .filter((name) => name.endsWith(".c"))
    .map((name) => fixture(`faults/${name}`));
  const { status, stderr } = await run(t, "gcc", [...flags, ...sources, "-ldl"]);
  if (status !== 0) throw new Error(`gcc: ${stderr}`);
  renameSync(own, built);
  return built;
}

async function preloading(t: Test, program: URL, args: string[]): Promise<Output> {
  const [command, ...options] = plainNode;
  const path = fileURLToPath(program);
  const env = { ...process.env, LD_PRELOAD: await library(t) };
  return run(t, command, [...options, path, ...args], { env });
}

/** faults/inject.js, which says what its arguments are; needs("gcc", "python3", "strace"). */
export function inject(t: Test, args: string[]): Promise<Output> {
  return preloading(t, new URL("../faults/inject.js", import.meta.url), args);
}

/** faults/worker.js; needs("gcc"). */
export function steppedWorker(t: Test): Promise<Output> {
  return preloading(t, new URL("../faults/worker.js", import.meta.url), []);
}
