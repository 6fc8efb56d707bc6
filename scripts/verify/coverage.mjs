// Which lines the tests run: the suite with counters in the native code, and one table of C++ and TypeScript, by file.
//   node scripts/verify/coverage.mjs [FILE…]        all tests, or these; the lines that no test ran go to
//                                                   build/verify/uncovered.txt
// clang counts, in a copy of native/'s sources. The addon's counters lie in a file that all processes map, so that also
// those that are killed have counted. The executables send theirs (native/coverage/send_counters.cc says what is lost).
// TypeScript is counted by V8 for tap.
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UnixSocket } from "cmsg";
import { SOURCES } from "../../native/scripts/sources.mjs";
import { buildNodePty } from "../node-pty.mjs";
import { readLcov, share, sum, table, uncovered } from "./lcov.mjs";

const BUILD = "Coverage";
const COUNT = ["-fprofile-instr-generate", "-fcoverage-mapping", "-fprofile-update=atomic"];
// Of a file that is mapped the counters' place is known when it is loaded, not before.
const MAPPED = ["-mllvm", "-runtime-counter-relocation"];
const WRAPPED = ["execve", "execvp", "kill", "_exit"].map((name) => `-Wl,--wrap=${name}`);
const FOLDERS = ["addon", "common", "init", "keeper"];
const MOST_BYTES = 1 << 17; // as in send_counters.cc
const TYPESCRIPT = ".tap/report/lcov.info"; // where tap puts it
const LEAST = 0.9; // as of TypeScript in scripts/test.mjs

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const work = mkdtempSync(join(tmpdir(), "cmsg-coverage-"));
const copy = join(work, "native");
const raw = join(work, "raw");
const socketName = `cmsg-coverage-${process.pid}`;

function built(command, args, options) {
  const { status, error } = spawnSync(command, args, { cwd: copy, stdio: "inherit", ...options });
  if (error || status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? `status ${status}`}`);
}

function copySources() {
  mkdirSync(raw, { recursive: true });
  // Tests act as other users too, and each process adds to the files.
  for (const directory of [work, raw]) chmodSync(directory, 0o777);
  for (const name of [...SOURCES, "coverage"])
    cpSync(join(root, "native", name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "native/node_modules"), join(copy, "node_modules"));
}

function buildAddon() {
  const env = {
    CXX: "clang++-19",
    LINK: "clang++-19",
    CXXFLAGS: [...COUNT, ...MAPPED].join(" "),
    LDFLAGS: "-fprofile-instr-generate",
  };
  built(process.execPath, ["scripts/build.mjs"], { env: { ...process.env, ...env } });
  return join(copy, "build/Release/cmsg.node");
}

function buildExecutable(name, folder) {
  const variables = (of) => JSON.parse(readFileSync(join(copy, of, "sources.gypi"), "utf8")).variables;
  const { version } = JSON.parse(readFileSync(join(copy, "package.json"), "utf8"));
  const language = variables("init").init_cflags.filter((flag) => flag !== "-Os");
  const defines = [`-DCONSOLE_INIT_VERSION="${version}"`, `-DCOVERAGE_SOCKET="${socketName}"`];
  const sources = [...variables(folder)[`${folder}_sources`], "coverage/send_counters.cc"];
  const output = join(work, name);
  const args = ["-x", "c++", ...language, "-Icommon", ...defines, ...COUNT, "-static", ...sources, ...WRAPPED];
  built("clang++-19", [...args, "-o", output]);
  return output;
}

/** Where `findBinary` looks for this build. */
function install(binaries) {
  const place = join(root, "native/build", BUILD);
  mkdirSync(place, { recursive: true });
  for (const binary of binaries) copyFileSync(binary, join(place, basename(binary)));
  return place;
}

/** Takes what ending executables send, a datagram each. */
async function collect() {
  const socket = await UnixSocket.bind({ abstract: socketName });
  const ended = new AbortController();
  let count = 0;
  const taking = (async () => {
    for (;;) {
      const message = await socket.receive({ length: MOST_BYTES, signal: ended.signal });
      writeFileSync(join(raw, `executable-${count++}.profraw`), message?.data ?? "");
    }
  })().catch((error) => {
    if (!ended.signal.aborted) console.error(error);
  });
  return async () => {
    ended.abort();
    await taking;
    socket.close();
    return count;
  };
}

function isSource({ file }) {
  return /(^native\/binding|\/src)\//.test(file);
}

function runSuite(files, env) {
  const options = ["--timeout=300", ...(files.length === 0 ? ["--coverage-report=lcovonly"] : [])];
  const child = spawn(process.execPath, ["scripts/test.mjs", ...options, ...files], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  return new Promise((done) => child.once("close", (status) => done(status === 0)));
}

function lcovOf(objects) {
  const profile = join(work, "merged.profdata");
  const inputs = join(work, "inputs");
  writeFileSync(
    inputs,
    readdirSync(raw)
      .map((name) => join(raw, name))
      .join("\n"),
  );
  built("llvm-profdata-19", ["merge", "-o", profile, `--input-files=${inputs}`]);
  const [first, ...others] = objects;
  const args = [
    "export",
    "-format=lcov",
    `-instr-profile=${profile}`,
    first,
    ...others.map((name) => `-object=${name}`),
  ];
  const { status, stdout, stderr } = spawnSync("llvm-cov-19", args, { encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`llvm-cov: ${stderr}`);
  return stdout;
}

let passed = false;
let place;
try {
  buildNodePty();
  copySources();
  const init = buildExecutable("console-init", "init");
  const keeper = buildExecutable("console-keeper", "keeper");
  // Of an inline function that one binary compiles and does not call, the first one's word counts: most is called in init.
  const objects = [init, keeper, buildAddon()];
  place = install(objects);
  const stop = await collect();
  const env = {
    ...process.env,
    CMSG_NATIVE_BUILD: BUILD,
    CONSOLE_INIT: init,
    // One file for each binary, which every process maps and adds to.
    LLVM_PROFILE_FILE: join(raw, "addon-%m%c.profraw"),
  };
  // Made before anybody else's process needs to write to it.
  built(process.execPath, ["-e", 'import("cmsg")'], { cwd: root, env });
  for (const name of readdirSync(raw)) chmodSync(join(raw, name), 0o666);
  const asked = process.argv.slice(2);
  rmSync(join(root, TYPESCRIPT), { force: true });
  passed = await runSuite(asked, env);
  console.log(`\n${await stop()} executables told what they ran\n`);
  const native = readLcov(lcovOf(objects), copy)
    .filter(({ file }) => FOLDERS.includes(file.split("/")[0]))
    .map((entry) => ({ ...entry, file: join("native", entry.file) }));
  // The command's bundle is the same sources once more.
  const typescript =
    asked.length > 0 ? [] : readLcov(readFileSync(join(root, TYPESCRIPT), "utf8"), root).filter(isSource);
  const files = [...native, ...typescript];
  console.log(table(files));
  mkdirSync(join(root, "build/verify"), { recursive: true });
  writeFileSync(join(root, "build/verify/uncovered.txt"), uncovered(files));
  const [ran, all] = sum(native, "lines");
  if (asked.length === 0 && ran / all < LEAST) {
    console.log(`\nExpected ${100 * LEAST} % of the lines of C++ to be run.`);
    passed = false;
  }
  const rest = asked.length > 0 ? "" : `, of TypeScript ${share(sum(typescript, "lines")).trim()}`;
  console.log(`\nlines of C++ ${share([ran, all]).trim()}${rest}`);
} finally {
  rmSync(work, { recursive: true, force: true });
  if (place) rmSync(place, { recursive: true, force: true });
}
process.exit(passed ? 0 : 1);
