// dbus-next over UnixStream: a pipe and a memfd each way, through a dbus-daemon, with libdbus at the other end.
//
// dbus-next makes its own stream, from a package that it asks for by the name usocket. docs/from-usocket.md has one that is
// UnixStream; that very code is put in usocket's place here, as the document says. dbus-next is fetched from npm and is no
// dependency of this repository: with it would come usocket, which is compiled at install.
import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const VERSION = "0.10.2";
const NAME = "org.example.Files";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const directory = mkdtempSync(join(tmpdir(), "dbus-next-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

/** dbus-next in a project of its own, with the document's usocket. */
function install() {
  const document = readFileSync(join(root, "docs/from-usocket.md"), "utf8");
  const [, code] = document.match(/```js\n([^`]*?export function USocket[^`]*?)```/) ?? [];
  assert.ok(code, "docs/from-usocket.md has the package");
  mkdirSync(join(directory, "usocket"));
  writeFileSync(join(directory, "usocket/index.js"), code);
  writeFileSync(
    join(directory, "usocket/package.json"),
    JSON.stringify({ name: "usocket", version: "1.0.0", type: "module", exports: "./index.js" }),
  );
  writeFileSync(
    join(directory, "package.json"),
    JSON.stringify({ private: true, dependencies: { "dbus-next": VERSION }, overrides: { usocket: "file:usocket" } }),
  );
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { status } = spawnSync("npm", args, { cwd: directory, stdio: "inherit" });
  assert.equal(status, 0, "npm install");
  symlinkSync(join(root, "packages/cmsg"), join(directory, "node_modules/cmsg"));
  return createRequire(join(directory, "package.json"))("dbus-next");
}

async function startBus() {
  const address = `unix:path=${directory}/bus`;
  const args = ["--session", `--address=${address}`, "--nofork", "--nopidfile", "--print-address=1"];
  const daemon = spawn("dbus-daemon", args, { stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => daemon.kill());
  await once(daemon.stdout, "data");
  return address;
}

function read(fd, position) {
  const bytes = Buffer.alloc(1000);
  return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, position));
}

const dbus = install();
const busAddress = await startBus();
const bus = dbus.sessionBus({ busAddress, negotiateUnixFd: true });
const seen = [];

class Files extends dbus.interface.Interface {
  Exchange(pipe, memory) {
    seen.push(read(pipe, null), read(memory, 0));
    closeSync(pipe);
    spawnSync("mkfifo", [join(directory, "fifo")]);
    const answer = openSync(join(directory, "fifo"), "r+");
    writeSync(answer, "from JavaScript's pipe");
    writeSync(memory, "from JavaScript's memfd", 0);
    return [answer, memory];
  }
}
Files.configureMembers({ methods: { Exchange: { inSignature: "hh", outSignature: "hh" } } });
await bus.requestName(NAME);
bus.export("/files", Reflect.construct(Files, [NAME]));

const peer = join(root, "test/fixtures/dbus-peer.py");
const { stdout } = await promisify(execFile)("/usr/bin/python3", [peer, busAddress, NAME]);
assert.deepEqual(JSON.parse(stdout), {
  pipe: "from JavaScript's pipe",
  isPipe: true,
  memfd: "from JavaScript's memfd",
  memfdIs: "/memfd:from-python (deleted)",
});
assert.deepEqual(seen, ["from Python's pipe", "from Python's memfd"]);
console.log(`dbus-next ${VERSION}: a pipe and a memfd went each way over UnixStream`);
process.exit();
