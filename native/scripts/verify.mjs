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
import { mkdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { addonFlags, executableFlags, isOfAddon, nativeSources, variables } from "./flags.mjs";
import { root } from "./root.mjs";

const output = join(root, "build/Verify");
const ours = nativeSources();

const cflags = variables("init").init_cflags;
// A sanitizer's own functions are not hidden, and need their frames.
const own = cflags.filter((flag) => flag !== "-Os" && !flag.startsWith("-fno-asynchronous"));

const withoutMain = (sources) => sources.filter((file) => !file.endsWith("/main.cc"));
const TARGETS = {
  common: { sources: ["common/control_message.cc"], maxBytes: 1200 },
  console_init: { sources: withoutMain(variables("init").init_sources), maxBytes: 4500 },
  keeper: { sources: withoutMain(variables("keeper").keeper_sources), maxBytes: 3000 },
};

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  return status === 0;
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

function fuzz(target) {
  const { sources, maxBytes } = TARGETS[target];
  const [corpus, seeds] = [join(output, "corpus", target), join("fuzz/seeds", target)];
  mkdirSync(corpus, { recursive: true });
  const executable = join(output, `fuzz-${target}`);
  const sanitizer = ["-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"];
  const files = [`fuzz/${target}.cc`, ...sources];
  if (!run("clang++-19", [...executableFlags(), ...own, ...sanitizer, ...files, "-o", executable])) return false;
  const seconds = process.env.FUZZ_SECONDS ?? "10";
  const limits = [
    `-max_total_time=${seconds}`,
    `-max_len=${maxBytes}`,
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
  tidy: () => tidy((file) => !isOfAddon(file), executableFlags()),
  "tidy-addon": () => tidy(isOfAddon, addonFlags()),
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
