// Before `pnpm pack`: this machine's prebuild, where it is missing or older than the sources, and the sources in a folder
// of their own. A binding.gyp in the published root would make npm compile at install.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.mjs";
import { SOURCES } from "./sources.mjs";

const newestOf = (path) =>
  statSync(path).isDirectory()
    ? Math.max(...readdirSync(path).map((name) => newestOf(join(path, name))))
    : statSync(path).mtimeMs;

const addon = join(root, "prebuilds", `linux-${process.arch}-glibc`, "cmsg.node");
const sources = Math.max(...SOURCES.map((name) => newestOf(join(root, name))));
if (!existsSync(addon) || statSync(addon).mtimeMs < sources) {
  const { status } = spawnSync(process.execPath, [join(root, "scripts/prebuild.mjs")], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
const target = join(root, "source");
rmSync(target, { recursive: true, force: true });
for (const name of SOURCES) cpSync(join(root, name), join(target, name), { recursive: true });
