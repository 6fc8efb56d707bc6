// Builds what is measured, and finds out which peers this machine can run: a missing one has a reason, which the table
// shows.
import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { clearAtEnd, createRunDirectory } from "../../scripts/run-directory.mjs";

const bench = fileURLToPath(new URL("../", import.meta.url));
const repository = join(bench, "..");
// What is said while it builds is no result: it goes to standard error.
/** @type {import("node:child_process").StdioOptions} */
const TO_STDERR = ["ignore", 2, 2];
const compilers = {
  gcc: (output, source) => ["gcc", "-O2", "-static", "-Wall", "-o", output, source],
  go: (output, source) => ["go", "build", "-o", output, source],
};

/** The packages, as `pnpm build` does it. */
export function buildProject() {
  const steps = [
    ["scripts/preflight.mjs"],
    ["native/scripts/build.mjs"],
    ["node_modules/typescript/bin/tsc", "-b"],
    ["scripts/bundle-command.mjs"],
  ];
  for (const step of steps) {
    const { status } = spawnSync(process.execPath, step, { cwd: repository, stdio: TO_STDERR });
    if (status !== 0) throw new Error(`${step[0]} failed`);
  }
}

/** `argvOf(program, size)`: its command line; `missing(program)`: why there is none. */
export function prepare(cases, progress) {
  const scratch = createRunDirectory("bench-");
  clearAtEnd(scratch);
  // What is measured has its files there too, so that they go with it.
  process.env.TMPDIR = scratch;
  const outputs = new Map();
  const reasons = new Map();
  let bundle;

  const need = (name) => {
    if (!reasons.has(name)) reasons.set(name, name.startsWith("npm:") ? npmPackage(name.slice(4)) : lacks(name));
    return reasons.get(name);
  };
  const missing = (program) => program.refused ?? program.needs.map(need).find(Boolean);
  const build = (program) => {
    const [[compiler, [source]]] = Object.entries(program.build);
    if (!outputs.has(source)) {
      progress(`building ${basename(source)}`);
      const output = join(scratch, basename(source).replace(".", "-"));
      const [command, ...args] = compilers[compiler](output, source);
      const { status } = spawnSync(command, args, { stdio: TO_STDERR });
      if (status !== 0) throw new Error(`${compiler} did not build ${source}`);
      outputs.set(source, output);
    }
    return outputs.get(source);
  };
  const resolve = (arg) => {
    if (arg?.program) return build(arg.program);
    if (arg?.bundle) {
      bundle ??= makeBundle(join(scratch, "bundle"), scratch);
      return bundle;
    }
    return String(arg);
  };
  const argvOf = (program, size) => [
    ...(program.build ? [build(program)] : program.argv),
    ...program.args(size).map(resolve),
  ];
  const terminalOf = (program, size) => program.terminal?.(size).map(resolve);

  // Before the first measurement, so that no compiler runs beside one.
  for (const { ours, peers, size, needs = [] } of cases) {
    if (needs.some(need)) continue;
    for (const program of [ours, ...Object.values(peers)]) {
      if (missing(program)) continue;
      argvOf(program, size.quick);
      terminalOf(program, size.quick);
    }
  }
  return { argvOf, terminalOf, missing, need };
}

function lacks(name) {
  if (name === "root") return process.getuid?.() === 0 ? undefined : "needs root";
  const paths = name.startsWith("/")
    ? [name]
    : (process.env.PATH ?? "").split(delimiter).map((path) => join(path, name));
  return paths.some(isExecutable) ? undefined : `${basename(name)} is not installed`;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs all of them with the first: exactly what the lock file says. */
function npmPackage(name) {
  const lock = readFileSync(join(bench, "package-lock.json"), "utf8");
  const stamp = join(bench, "node_modules/.installed");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    const headers = existsSync(join(process.execPath, "../../include/node/node_version.h"));
    const nodedir = headers && { npm_config_nodedir: join(process.execPath, "../..") };
    const env = { ...nodedir, ...process.env };
    const { status } = spawnSync("npm", ["ci", "--no-fund", "--no-audit"], { cwd: bench, env, stdio: TO_STDERR });
    if (status !== 0) return `npm ci failed in bench/, so ${name} is not there`;
    writeFileSync(stamp, lock);
  }
  return existsSync(join(bench, "node_modules", name)) ? undefined : `${name} is not installed`;
}

/** A container that writes one line at once and waits. By its environment it is found when nobody ended it. */
function makeBundle(directory, scratch) {
  mkdirSync(join(directory, "rootfs/bin"), { recursive: true });
  for (const name of ["proc", "dev"]) mkdirSync(join(directory, "rootfs", name));
  copyFileSync("/bin/busybox", join(directory, "rootfs/bin/busybox"));
  symlinkSync("busybox", join(directory, "rootfs/bin/sh"));
  const mount = (destination, type, options = []) => ({ destination, type, source: type, options });
  const config = {
    ociVersion: "1.0.2",
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["/bin/sh", "-c", "echo there; exec /bin/busybox sleep 1000"],
      env: ["PATH=/bin", `TMPDIR=${scratch}`],
      cwd: "/",
    },
    root: { path: "rootfs" },
    mounts: [
      mount("/proc", "proc"),
      mount("/dev", "tmpfs", ["nosuid", "mode=755", "size=1024k"]),
      mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    ],
    linux: { namespaces: ["pid", "ipc", "uts", "mount"].map((type) => ({ type })) },
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  return directory;
}
