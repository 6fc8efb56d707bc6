// How native/'s sources are compiled, for programs that read them file by file: clang-tidy, fuzzers, an editor. What is
// shipped is built by node-gyp and musl-executables.mjs; the lists of sources, flags and defines are theirs.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { headersOfThisNode } from "./node-headers.mjs";
import { root } from "./root.mjs";

const FOLDERS = ["addon", "common", "coverage", "fuzz", "init", "keeper"];

/** A folder's sources.gypi. */
export const variables = (/** @type {string} */ folder) =>
  JSON.parse(readFileSync(join(root, folder, "sources.gypi"), "utf8")).variables;

/** Every source and header, from native/. */
export const nativeSources = () =>
  FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /\.(cc|h)$/.test(name))
      .map((name) => join(folder, name)),
  );

export const isOfAddon = (/** @type {string} */ file) => file.startsWith("addon/");

/** Of console-init, console-keeper and what is linked into them. */
export function executableFlags() {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const defines = [`-DCONSOLE_INIT_VERSION="${version}"`, '-DCOVERAGE_SOCKET="name"'];
  return ["-x", "c++", "-std=c++20", "-fno-exceptions", "-fno-rtti", "-Icommon", ...defines];
}

/** Of the addon. A gyp file is a Python literal. */
export function addonFlags() {
  const program = "import ast, json; print(json.dumps(ast.literal_eval(open('binding.gyp').read())))";
  const { stdout, status, error } = spawnSync("python3", ["-c", program], { cwd: root, encoding: "utf8" });
  if (error || status !== 0) throw error ?? new Error("binding.gyp cannot be read");
  const { defines } = JSON.parse(stdout).targets.find(({ target_name }) => target_name === "cmsg");
  const prefix = headersOfThisNode();
  if (!prefix)
    throw new Error(`${process.execPath} has no headers beside it: npm_config_nodedir names their directory`);
  const wrappers = dirname(createRequire(import.meta.url).resolve("node-addon-api/package.json"));
  const headers = [join(prefix, "include/node"), wrappers];
  return [
    ...["-x", "c++", "-std=c++20"],
    ...defines.map((/** @type {string} */ define) => `-D${define}`),
    ...headers.flatMap((of) => ["-isystem", of]),
  ];
}
