// Programs in which system calls fail: fixtures/faults.c, built into test/build, and the program that steers it.
import { mkdirSync, renameSync } from "node:fs";
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
  const { status, stderr } = await run(t, "gcc", [...flags, fixture("faults.c"), "-ldl"]);
  if (status !== 0) throw new Error(`gcc: ${stderr}`);
  renameSync(own, built);
  return built;
}

/** faults/inject.js, which says what its arguments are; needs("gcc"). */
export async function inject(t: Test, args: string[]): Promise<Output> {
  const [command, ...options] = plainNode;
  const program = fileURLToPath(new URL("../faults/inject.js", import.meta.url));
  const env = { ...process.env, LD_PRELOAD: await library(t) };
  return run(t, command, [...options, program, ...args], { env });
}
