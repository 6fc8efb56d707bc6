// The versions of Node that everything has to work with, and where to get them: npm's packages that hold the binary alone.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const NODES = ["20", "22", "24", "26"];

/** The path of a Node that is installed below `directory`. */
export function fetchNode(directory, arch, major) {
  const place = join(directory, `node-${arch}-${major}`);
  mkdirSync(place);
  writeFileSync(join(place, "package.json"), "{}");
  const name = `node-linux-${arch}`;
  const args = ["install", "--silent", "--ignore-scripts", "--force", "--no-save", `${name}@${major}`];
  const { status, stdout, stderr, error } = spawnSync("npm", args, { cwd: place, encoding: "utf8" });
  if (error || status !== 0) throw new Error(`npm ${args.join(" ")}: ${error ?? `${stdout}${stderr}`}`);
  return join(place, `node_modules/${name}/bin/node`);
}
