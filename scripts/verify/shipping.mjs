// What is published works where it is installed: packs the packages, installs the tarballs with npm and with pnpm, install
// scripts off and no compiler in the PATH, runs them on Node 20, 22, 24 and 26, and on arm64 under qemu.
//   node scripts/verify/shipping.mjs [DIRECTORY]        the tarballs go to DIRECTORY and stay; else nothing does
// It needs Debian's gcc-12-aarch64-linux-gnu, g++-12-aarch64-linux-gnu and qemu-user-static, and npm's registry for the
// Nodes. One line for each thing tried; the exit status is 0 when all were right.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { packPackages } from "../pack.mjs";
import { fetchNode, NODES } from "./node-versions.mjs";

const PNPM = "pnpm@12.21.0";
const ARM64_NODE = "22";
const ARM64_ROOT = "/usr/aarch64-linux-gnu";

// Both ends, the descriptor's content, and the executable that travels with the addon.
const SMOKE = `
  import { openSync, readFileSync } from "node:fs";
  import { spawnSync } from "node:child_process";
  import { createRequire } from "node:module";
  import { UnixSocket, UnixStream, sendFile, recvFile } from "cmsg";
  import { consoleInitPath } from "console-init";
  await import("console-socket");
  await import("console-socket/kata");
  for (const entry of ["create", "process", "stdio", "systemd", "vsock"]) {
    await import("cmsg/" + entry);
    createRequire(import.meta.url)("cmsg/" + entry);
  }
  const [one, other] = UnixSocket.pair();
  await sendFile(one, "ostype", openSync("/proc/sys/kernel/ostype"));
  const { name, fd } = await recvFile(other);
  if (String(name) !== "ostype" || readFileSync(fd.fd, "utf8") !== "Linux\\n") throw new Error("wrong file");
  fd.close();
  const [left, right] = [one, other].map((socket) => UnixStream.connect({ fd: socket.release() }));
  right.on("fds", (fds) => console.log("stream", fds.length)).on("data", () => right.destroy());
  left.on("error", () => {}).writeWithFds(Buffer.from("x"), [0]);
  const path = consoleInitPath();
  if (process.env.QEMU === undefined) {
    const { status } = spawnSync(path, ["--help"]);
    if (status !== 0) throw new Error(path + ": " + status);
  }
  console.log("works", process.version, process.arch);`;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const work = mkdtempSync(join(tmpdir(), "cmsg-shipping-"));
let attempts = 0;
let failures = 0;

function run(command, args, { cwd = root, env = process.env } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: "utf8" });
  if (error || status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error ?? `${stdout}${stderr}`}`);
  return stdout;
}

function attempt(what, task) {
  attempts++;
  try {
    const seen = task();
    console.log(`ok   ${what}${seen ? ` (${seen})` : ""}`);
  } catch (error) {
    failures++;
    console.log(`FAIL ${what}\n${error.message}`);
  }
}

function pack(directory) {
  run(process.execPath, ["native/scripts/prebuild.mjs", "x64", "arm64"]);
  return packPackages(directory);
}

/** The tarball holds the binaries and the sources, and nothing at which npm would compile. */
function inspect(tarball) {
  const files = run("tar", ["tzf", tarball]).trim().split("\n");
  if (files.some((file) => file === "package/binding.gyp")) throw new Error("binding.gyp is in the root");
  const { scripts = {} } = JSON.parse(run("tar", ["xzOf", tarball, "package/package.json"]));
  const installing = ["preinstall", "install", "postinstall"].filter((name) => scripts[name]);
  if (installing.length > 0) throw new Error(`it has ${installing}`);
  if (!tarball.includes("native")) return "";
  for (const arch of ["x64", "arm64"]) {
    for (const name of ["cmsg.node", "console-init", "console-keeper"]) {
      const file = `package/prebuilds/linux-${arch}-glibc/${name}`;
      if (!files.includes(file)) throw new Error(`${file} is missing`);
    }
  }
  if (!files.includes("package/source/binding.gyp")) throw new Error("the sources are missing");
  return `${files.length} files`;
}

// Node's own tools, a shell and what they start; no compiler, make or python.
function pathWithoutCompiler() {
  const directory = join(work, "bin");
  mkdirSync(directory);
  for (const name of ["sh", "env", "uname", "dirname", "basename", "sed", "cat"]) {
    symlinkSync(run("sh", ["-c", `command -v ${name}`]).trim(), join(directory, name));
  }
  for (const name of ["node", "npm", "npx"]) {
    symlinkSync(name === "node" ? process.execPath : join(dirname(process.execPath), name), join(directory, name));
  }
  return directory;
}

function installed(manager, tarballs, env) {
  const directory = join(work, manager);
  mkdirSync(directory);
  // Not yet in the registry: each other's names lead to the tarballs too.
  const byName = Object.fromEntries(
    tarballs.map((tarball) => [
      JSON.parse(run("tar", ["xzOf", tarball, "package/package.json"])).name,
      `file:${tarball}`,
    ]),
  );
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ type: "module", dependencies: byName, overrides: byName }),
  );
  const overrides = Object.entries(byName).map(([name, file]) => `  ${name}: ${file}`);
  writeFileSync(join(directory, "pnpm-workspace.yaml"), `overrides:\n${overrides.join("\n")}\n`);
  writeFileSync(join(directory, "smoke.mjs"), SMOKE);
  if (manager === "npm")
    run("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: directory, env });
  else run("npx", ["--yes", PNPM, "install", "--ignore-scripts"], { cwd: directory, env });
  return directory;
}

function smoke(command, directory, env = {}) {
  const output = run(command[0], [...command.slice(1), "smoke.mjs"], {
    cwd: directory,
    env: { ...process.env, ...env },
  });
  if (!output.includes("stream 1")) throw new Error(`no descriptor came: ${output}`);
  return output.match(/works .*/)?.[0];
}

try {
  const keep = process.argv[2] ? resolve(process.argv[2]) : join(work, "tarballs");
  mkdirSync(keep, { recursive: true });
  const tarballs = pack(keep);
  for (const tarball of tarballs) attempt(`contents of ${tarball.split("/").at(-1)}`, () => inspect(tarball));
  const env = { ...process.env, PATH: pathWithoutCompiler() };
  const nodes = NODES.map((major) => fetchNode(work, "x64", major));
  for (const manager of ["npm", "pnpm"]) {
    let directory;
    attempt(`${manager} installs them, scripts off, no compiler`, () => {
      directory = installed(manager, tarballs, env);
      return readdirSync(join(directory, "node_modules"))
        .filter((name) => /^(cmsg|console)/.test(name))
        .join(" ");
    });
    if (!directory) continue;
    for (const node of nodes)
      attempt(`${manager}, ${node.match(/node-x64-\d+/)?.[0]}`, () => smoke([node], directory, env));
  }
  attempt("npm, arm64 under qemu", () => {
    const command = ["qemu-aarch64-static", "-L", ARM64_ROOT, fetchNode(work, "arm64", ARM64_NODE)];
    run("qemu-aarch64-static", [join(root, "native/prebuilds/linux-arm64-glibc/console-init"), "--help"]);
    return smoke(command, join(work, "npm"), { QEMU: "1" });
  });
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${attempts - failures} passed, ${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
