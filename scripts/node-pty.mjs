// node-pty compiles at install and only the tests use it, so the install leaves it unbuilt (allowBuilds in
// pnpm-workspace.yaml) and the test run builds it here, once.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const resolveFrom = (workspace, name) => createRequire(join(root, workspace, "package.json")).resolve(name);

/** The directory with include/node of exactly this node when it has one: without it node-gyp downloads the headers. */
function headersOfThisNode() {
  const prefix = resolve(dirname(process.execPath), "..");
  const header = join(prefix, "include/node/node_version.h");
  if (!existsSync(header)) return undefined;
  const text = readFileSync(header, "utf8");
  const part = (name) => text.match(new RegExp(`#define NODE_${name}_VERSION (\\d+)`))?.[1];
  return [part("MAJOR"), part("MINOR"), part("PATCH")].join(".") === process.versions.node ? prefix : undefined;
}

/** Build node-pty when it is not built; a failure ends the run with the compiler's own words. */
export function buildNodePty() {
  const dir = dirname(resolveFrom("test", "node-pty/package.json"));
  if (existsSync(join(dir, "build/Release/pty.node"))) return;
  const nodedir = process.env.npm_config_nodedir ?? headersOfThisNode();
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
