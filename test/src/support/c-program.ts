// Fixtures in C, built on demand into test/build.
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { fixture, fixtureBuild } from "./paths.js";
import { run } from "./processes.js";

/** The path of the program, or with -shared the library, built from fixtures/`name`.c; needs("gcc"). */
export async function cProgram(t: Test, name: string, options: readonly string[] = []): Promise<string> {
  mkdirSync(fixtureBuild, { recursive: true });
  const built = join(fixtureBuild, name);
  // Test files run side by side: each builds under its own name, and the rename is atomic.
  const own = `${built}.${process.pid}`;
  const flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-pthread", ...options, "-o", own];
  const { status, stderr } = await run(t, "gcc", [...flags, fixture(`${name}.c`)]);
  if (status !== 0) throw new Error(`gcc: ${stderr}`);
  renameSync(own, built);
  return built;
}
