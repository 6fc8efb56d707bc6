// Puts the console-socket command into one file: node scripts/bundle-command.mjs, after tsc -b.
//
// Runtimes do not wait for who is to receive, and of the command's own start most was Node's loader, which looked for 40
// modules one by one. What only some commands need stays apart, in files that are read when it is asked for. The native
// package finds its binary by where it lies, so it stays a package; so do dependencies from elsewhere.
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const folder = new URL("../packages/console-socket/", import.meta.url);

export function bundleCommand() {
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
  // The names of the parts change with what is in them.
  rmSync(new URL("dist/bin", folder), { recursive: true, force: true });
  buildSync({
    absWorkingDir: fileURLToPath(folder),
    entryPoints: ["dist/cli/main.js"],
    outdir: "dist/bin",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    sourcemap: true,
    external: Object.keys(dependencies).filter((name) => name !== "cmsg"),
    logLevel: "warning",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) bundleCommand();
