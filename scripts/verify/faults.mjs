// Every system call of every operation fails once with every errno that its man page names, and is given less room where
// that is possible: "N faults injected, N survived", and status 0 when these are the same.
//   node scripts/verify/faults.mjs [OPERATION]
// Needs gcc, python3 and strace. What is done is in test/src/faults/operations, what fails in errnos.ts beside it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const directory = mkdtempSync(join(tmpdir(), "faults-"));
try {
  const library = join(directory, "faults.so");
  const fixture = join(root, "test/fixtures/faults");
  const sources = readdirSync(fixture).filter((name) => name.endsWith(".c"));
  const flags = ["-O1", "-shared", "-fPIC", "-o", library, ...sources.map((name) => join(fixture, name)), "-ldl"];
  if (spawnSync("gcc", flags, { stdio: "inherit" }).status !== 0) process.exit(1);
  const program = [join(root, "test/dist/faults/inject.js"), "all", ...process.argv.slice(2)];
  const env = { ...process.env, LD_PRELOAD: library };
  const { status } = spawnSync(process.execPath, program, { env, stdio: ["ignore", "inherit", "ignore"] });
  process.exitCode = status ?? 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
