// The quality of native/'s executables, step by step; every warning is a failure.
//
//   node native/scripts/verify.mjs                   all steps
//   node native/scripts/verify.mjs format tidy       some of them
//
//   format      clang-format changes nothing
//   lines       no source has more than 300 lines
//   tidy        clang-tidy finds nothing (.clang-tidy says what it looks for)
//   fuzz        libFuzzer for FUZZ_SECONDS (20) on arguments, messages and control data
//
// Debian: clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev. Its tests on sanitized builds are scripts/verify/sanitize.mjs.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.mjs";

const output = join(root, "build/Verify");
const { init_sources: sources, init_cflags: cflags } = JSON.parse(
  readFileSync(join(root, "init/sources.gypi"), "utf8"),
).variables;
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const language = ["-x", "c++", "-Icommon", `-DCONSOLE_INIT_VERSION="${version}"`];
// A sanitizer's own functions are not hidden, and need their frames.
const own = cflags.filter((flag) => flag !== "-Os" && !flag.startsWith("-fno-asynchronous"));

const ours = ["common", "fuzz", "init"].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => /\.(cc|h)$/.test(name))
    .map((name) => join(folder, name)),
);

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  return status === 0;
}

function compile(compiler, name, files, flags) {
  mkdirSync(output, { recursive: true });
  const executable = join(output, name);
  if (!run(compiler, [...language, ...own, "-g", ...files, ...flags, "-o", executable])) throw new Error(name);
  return executable;
}

const steps = {
  format: () => run("clang-format-19", ["--dry-run", "-Werror", ...ours]),
  lines() {
    const long = ours.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 301);
    for (const file of long) console.error(`${file} has more than 300 lines`);
    return long.length === 0;
  },
  tidy() {
    const files = ours.filter((file) => file.endsWith(".cc"));
    const flags = [...language, "-std=c++20", "-fno-exceptions", "-fno-rtti"];
    // What it says on standard error is progress, and how much it has found in others' headers.
    const quietly = { stdio: ["ignore", "inherit", "ignore"] };
    return run("clang-tidy-19", ["--quiet", ...files, "--", ...flags], quietly);
  },
  fuzz() {
    const files = ["fuzz/console_init.cc", ...sources.filter((file) => file !== "init/main.cc")];
    const sanitizer = ["-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"];
    const executable = compile("clang++-19", "fuzz-console-init", files, sanitizer);
    const corpus = join(output, "corpus");
    mkdirSync(corpus, { recursive: true });
    const seconds = process.env.FUZZ_SECONDS ?? "20";
    const limits = [`-max_total_time=${seconds}`, "-max_len=4500", "-verbosity=0", "-print_final_stats=1"];
    return run(executable, [...limits, `-artifact_prefix=${output}/`, "-dict=fuzz/console_init.dict", corpus]);
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(steps, name));
if (unknown.length > 0) {
  console.error(`verify: no step ${unknown.join(", ")}; there are ${Object.keys(steps).join(", ")}`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : Object.keys(steps)) {
  console.log(`--- ${name}`);
  if (steps[name]()) continue;
  console.error(`verify: ${name} failed`);
  process.exit(1);
}
console.log("verify: all in order");
