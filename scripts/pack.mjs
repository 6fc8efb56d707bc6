// pnpm run pack: the four packages as tarballs for `npm install`, with the binaries of this machine's architecture.
//   node scripts/pack.mjs [DIRECTORY]       build/packages by default; what an earlier run put there is replaced
// The last line is the command that installs them.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PNPM = "pnpm@12.21.0";
const PACKAGES = ["native", "packages/cmsg", "packages/console-socket", "packages/init"];

const root = fileURLToPath(new URL("..", import.meta.url));

/** The paths of the tarballs. native's `prepack` builds the binaries where they are missing or old. */
export function packPackages(/** @type {string} */ directory) {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) if (name.endsWith(".tgz")) rmSync(join(directory, name));
  for (const folder of PACKAGES) {
    const args = ["--yes", PNPM, "pack", "--pack-destination", directory];
    const { status, stdout, stderr, error } = spawnSync("npx", args, { cwd: join(root, folder), encoding: "utf8" });
    if (error || status !== 0) throw new Error(`${folder} could not be packed: ${error ?? `${stdout}${stderr}`}`);
  }
  return readdirSync(directory)
    .filter((name) => name.endsWith(".tgz"))
    .sort()
    .map((name) => join(directory, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = resolve(process.argv[2] ?? join(root, "build/packages"));
  const tarballs = packPackages(directory);
  for (const tarball of tarballs) console.log(relative(process.cwd(), tarball));
  console.log(`\nnpm install ${join(directory, "*.tgz")}`);
}
