// The test suite with native code that watches itself.
//   node scripts/verify/sanitize.mjs address [FILE…]     ASan and UBSan: addon and executables; all tests
//   node scripts/verify/sanitize.mjs leaks [FILE…]       LSan: what the addon allocates and nothing points to at the end
//   node scripts/verify/sanitize.mjs thread [FILE…]      TSan: the addon's threads (closer, watchdog, Workers)
// A FILE is a test by its compiled name, or a folder or a name below test/dist (`cmsg`, `cmsg/codec`).
//
// console-init is built twice: with ASan for its own tests on the host, and statically with UBSan alone for those that put
// it into an empty root file system. Node stays as it is, but for a copy whose first library is the sanitizer's:
// LD_PRELOAD would reach every runtime, tool and browser that a test starts. A sanitizer's report fails the step, also
// where the test passed. It needs patchelf, musl-gcc, and for `thread` setarch (util-linux).
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildNodePty } from "../node-pty.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

// Without a runtime of its own, which musl's specs could not link and an empty root could not load: an error is SIGILL,
// and no test expects that.
const TRAPPING = ["-O1", "-g", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error", "-static"];

const EXECUTABLES = ["console-init", "console-keeper"];

const modes = {
  address: {
    define: "sanitize=address,undefined",
    library: "libasan.so",
    // Leaks have a mode of their own: to look for them at the end of every process takes longer than the tests. Fault
    // injection is preloaded, which brings it in front of the sanitizer, and that is in order: it only calls on.
    options: (log) => ({
      ASAN_OPTIONS: `log_path=${log}:detect_leaks=0:detect_stack_use_after_return=1:verify_asan_link_order=0`,
      UBSAN_OPTIONS: "print_stacktrace=1",
    }),
    prefix: [],
    files: [],
    executables: true,
    ours: (report) => report,
  },
  leaks: {
    define: "sanitize=address",
    library: "libasan.so",
    options: (log) => ({ ASAN_OPTIONS: `log_path=${log}:detect_leaks=1`, LSAN_OPTIONS: "exitcode=0:max_leaks=0" }),
    prefix: [],
    // The executables allocate nothing, and the first does not let itself be attached to, as the check
    // must. So they are the usual ones.
    executables: false,
    files: ["cmsg", "console-socket", "hostile/listener", "lifecycle/collected", "lifecycle/exit"],
    ours: ourLeaks,
  },
  thread: {
    define: "sanitize=thread",
    library: "libtsan.so",
    // Node's own locks are out of its sight: what only they order looks like a race, and is not ours.
    options: (log) => ({ TSAN_OPTIONS: `log_path=${log}:ignore_noninstrumented_modules=1` }),
    // TSan's shadow memory has fixed places, which a randomized layout can take.
    prefix: ["setarch", "--addr-no-randomize"],
    executables: true,
    ours: (report) => report,
    // Where a closer, the watchdog, the starting thread or a Worker is at work.
    files: [
      "hostile",
      "native/start-process",
      "lifecycle/exit",
      "lifecycle/sockets",
      "cmsg/closing",
      "cmsg/owned-fd",
      "cmsg/passing",
      "console-socket/copies",
    ],
  },
};

/**
 * Node and V8 end without freeing all of theirs, also what they allocated because the addon called them. Of leaks those
 * count that the addon allocated: through nothing but the C++ library and N-API.
 */
function ourLeaks(report) {
  const [head, ...leaks] = report.split(/\n(?=(?:Direct|Indirect) leak of )/);
  const isOurs = (leak) => {
    const frames = [...leak.matchAll(/^ +#\d+ \w+ in (.*)$/gm)].map(([, frame]) => frame);
    const decisive = frames.find((frame) => !/__interceptor|operator new|\bstd::|\bv8impl::|\bnapi_/.test(frame));
    // By its source where there is a line number: what has no name outside its file has no namespace there.
    return /cmsg\.node| \.\.\/(addon|common)\/|\b(addon|common|Napi)::/.test(decisive ?? "");
  };
  return [...(/ERROR: AddressSanitizer/.test(head) ? [head] : []), ...leaks.filter(isOurs)].join("\n");
}

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) throw error;
  return status === 0;
}

function built(command, args, options) {
  if (!run(command, args, options)) throw new Error(`${command} ${args.join(" ")} failed`);
}

/** A copy of this node that loads the sanitizer's library first. */
function sanitizedNode(directory, library) {
  const node = join(directory, "node");
  copyFileSync(process.execPath, node);
  const { stdout } = spawnSync("gcc", [`-print-file-name=${library}`], { encoding: "utf8" });
  built("patchelf", ["--add-needed", readElfName(stdout.trim()), node]);
  return node;
}

function readElfName(file) {
  const { stdout } = spawnSync("patchelf", ["--print-soname", file], { encoding: "utf8" });
  return stdout.trim();
}

function buildTrappingInit(executable) {
  const { init_sources, init_cflags, init_ldflags } = JSON.parse(
    readFileSync(join(root, "native/init/sources.gypi"), "utf8"),
  ).variables;
  const { version } = JSON.parse(readFileSync(join(root, "native/package.json"), "utf8"));
  const language = ["-x", "c++", "-Icommon", `-DCONSOLE_INIT_VERSION="${version}"`];
  // A sanitizer's own functions are not hidden, and need their frames.
  const flags = init_cflags.filter((flag) => flag !== "-Os" && !flag.startsWith("-fno-asynchronous"));
  const args = [...language, ...flags, ...TRAPPING, ...init_sources, ...init_ldflags, "-o", executable];
  built("musl-gcc", args, { cwd: join(root, "native") });
}

function testFiles(names) {
  return names.flatMap((name) => {
    if (name.endsWith(".js")) return [name];
    if (name.includes("/")) return [`test/dist/${name}.test.js`];
    const files = readdirSync(join(root, "test/dist", name), { recursive: true, encoding: "utf8" });
    return files.filter((file) => file.endsWith(".test.js")).map((file) => join("test/dist", name, file));
  });
}

const [name, ...asked] = process.argv.slice(2);
const mode = modes[name];
if (!mode) {
  console.error(`sanitize: one of ${Object.keys(modes).join(", ")}, and test files`);
  process.exit(2);
}
const work = mkdtempSync(join(tmpdir(), "cmsg-sanitize-"));
const reports = join(work, "reports");
mkdirSync(reports);
// Tests act as other users too.
chmodSync(work, 0o755);
chmodSync(reports, 0o777);
const watchedInit = join(work, "console-init");
const init = join(root, "native/build/Debug/console-init");
let passed = false;
try {
  // The copy of node has no headers beside it.
  buildNodePty();
  // make would take those of the last time for its own.
  for (const name of EXECUTABLES) rmSync(join(root, "native/build/Debug", name), { force: true });
  built(process.execPath, ["native/scripts/build.mjs", "--debug"], {
    env: { ...process.env, GYP_DEFINES: mode.define },
  });
  if (mode.executables) {
    copyFileSync(init, watchedInit);
    buildTrappingInit(init);
  } else {
    for (const name of EXECUTABLES)
      copyFileSync(join(root, "native/build/Release", name), join(root, "native/build/Debug", name));
  }
  const node = sanitizedNode(work, mode.library);
  const env = {
    ...process.env,
    PATH: [work, process.env.PATH].join(delimiter),
    CMSG_NATIVE_BUILD: "Debug",
    ...(mode.executables && { CONSOLE_INIT: watchedInit, CONSOLE_INIT_STATIC: init }),
    ...mode.options(join(reports, "report")),
  };
  const [command, ...rest] = [...mode.prefix, node, "scripts/test.mjs", "--no-coverage", "--timeout=300"];
  passed = run(command, [...rest, ...testFiles(asked.length > 0 ? asked : mode.files)], { env });
  const files = readdirSync(reports);
  for (const file of files) {
    const report = mode.ours(readFileSync(join(reports, file), "utf8"));
    if (report === "") continue;
    passed = false;
    console.log(report);
  }
  if (name === "leaks") console.log(`${files.length} processes had a report of leaks`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.exit(passed ? 0 : 1);
