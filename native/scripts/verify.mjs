// The quality of native/'s sources, step by step; every warning is a failure.
//
//   node native/scripts/verify.mjs                   all steps
//   node native/scripts/verify.mjs format tidy       some of them
//
//   format      clang-format changes nothing
//   lines       no source has more than 300 lines
//   tidy        clang-tidy finds nothing in the executables (.clang-tidy says what it looks for)
//   tidy-addon  nor in the addon, which takes minutes: N-API's wrappers are long
//   fuzz        libFuzzer, FUZZ_SECONDS (10) for each target in fuzz/, beginning with its seeds
//
// An input that fails is written to build/Verify/; mended, it becomes a file in fuzz/seeds/TARGET/.
//
// Debian: clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev. Tests on sanitized builds: scripts/verify/sanitize.mjs.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { headersOfThisNode } from "./node-headers.mjs";
import { root } from "./root.mjs";

const output = join(root, "build/Verify");
const FOLDERS = ["addon", "common", "coverage", "fuzz", "init", "monitor"];

const variables = (folder) => JSON.parse(readFileSync(join(root, folder, "sources.gypi"), "utf8")).variables;
const { init_sources: initSources, init_cflags: cflags } = variables("init");
const { monitor_sources: monitorSources } = variables("monitor");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const language = ["-x", "c++", "-Icommon", `-DCONSOLE_INIT_VERSION="${version}"`, '-DCOVERAGE_SOCKET="name"'];
// A sanitizer's own functions are not hidden, and need their frames.
const own = cflags.filter((flag) => flag !== "-Os" && !flag.startsWith("-fno-asynchronous"));

const withoutMain = (sources) => sources.filter((file) => !file.endsWith("/main.cc"));
const TARGETS = {
  common: { sources: ["common/control_message.cc"], longest: 1200 },
  console_init: { sources: withoutMain(initSources), longest: 4500 },
  monitor: { sources: withoutMain(monitorSources), longest: 200 },
};

const ours = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => join(folder, name)),
);

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  return status === 0;
}

/** What the addon is compiled with: a gyp file is a Python literal. */
function addonFlags() {
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
    "-x",
    "c++",
    "-std=c++20",
    ...defines.map((define) => `-D${define}`),
    ...headers.flatMap((of) => ["-isystem", of]),
  ];
}

async function tidy(of, flags) {
  const files = ours.filter((file) => file.endsWith(".cc") && of(file));
  let passed = true;
  const work = async () => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      // What it says on standard error is progress, and how much it has found in others' headers.
      const stdio = /** @type {const} */ (["ignore", "inherit", "ignore"]);
      const child = spawn("clang-tidy-19", ["--quiet", file, "--", ...flags], { cwd: root, stdio: [...stdio] });
      const status = await new Promise((done, fail) => child.once("error", fail).once("exit", done));
      passed &&= status === 0;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return passed;
}

const ofAddon = (file) => file.startsWith("addon/");

function fuzz(target) {
  const { sources, longest } = TARGETS[target];
  const [corpus, seeds] = [join(output, "corpus", target), join("fuzz/seeds", target)];
  mkdirSync(corpus, { recursive: true });
  const executable = join(output, `fuzz-${target}`);
  const sanitizer = ["-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"];
  const files = [`fuzz/${target}.cc`, ...sources];
  if (!run("clang++-19", [...language, ...own, ...sanitizer, ...files, "-o", executable])) return false;
  const seconds = process.env.FUZZ_SECONDS ?? "10";
  const limits = [
    `-max_total_time=${seconds}`,
    `-max_len=${longest}`,
    "-timeout=5",
    "-verbosity=0",
    "-print_final_stats=1",
  ];
  const words = target === "console_init" ? ["-dict=fuzz/console_init.dict"] : [];
  return run(executable, [...limits, `-artifact_prefix=${output}/${target}-`, ...words, corpus, seeds]);
}

const steps = {
  format: () => run("clang-format-19", ["--dry-run", "-Werror", ...ours]),
  lines() {
    const long = ours.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 301);
    for (const file of long) console.error(`${file} has more than 300 lines`);
    return long.length === 0;
  },
  tidy: () => tidy((file) => !ofAddon(file), [...language, "-std=c++20", "-fno-exceptions", "-fno-rtti"]),
  "tidy-addon": () => tidy(ofAddon, addonFlags()),
  fuzz: () => Object.keys(TARGETS).every(fuzz),
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(steps, name));
if (unknown.length > 0) {
  console.error(`verify: no step ${unknown.join(", ")}; there are ${Object.keys(steps).join(", ")}`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(steps)) {
  console.log(`--- ${name}`);
  if (await steps[name]()) continue;
  console.error(`verify: ${name} failed`);
  process.exit(1);
}
console.log("verify: all in order");
