// node-pty compiles at install and only the tests use it, so the install leaves it unbuilt (allowBuilds in
// pnpm-workspace.yaml) and the test run builds it here, once.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { headersOfThisNode } from "../native/scripts/node-headers.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const resolveFrom = (workspace, name) => createRequire(join(root, workspace, "package.json")).resolve(name);

/** Build node-pty when it is not built; a failure ends the run with the compiler's own words. */
export function buildNodePty() {
  const dir = dirname(resolveFrom("test", "node-pty/package.json"));
  if (existsSync(join(dir, "build/Release/pty.node"))) return;
  const nodedir = headersOfThisNode();
  const args = ["rebuild", "--loglevel=warn", ...(nodedir ? [`--nodedir=${nodedir}`] : [])];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [resolveFrom("native", "node-gyp/bin/node-gyp.js"), ...args],
    { cwd: dir, encoding: "utf8" },
  );
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}\nnode-pty, which the tests use as a terminal, does not build here\n`);
  process.exit(1);
}
