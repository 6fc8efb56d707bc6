// How often the first console of a fresh receiver gets its size too late: `console-socket receive` and a receiver in C in
// turns. The program on the terminal looks at its size and at ONLCR as soon as it runs.
//   node bench/cold.mjs [--runs N] [--busy N] [--sender console-init|runc] [--command FILE]
// --busy starts so many programs that do nothing but compute. Needs gcc, and root and runc for that sender.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { clearAtEnd, createRunDirectory } from "../scripts/run-directory.mjs";

const root = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    busy: { type: "string", default: "2" },
    settle: { type: "string", default: "100" },
    sender: { type: "string", default: "console-init" },
    command: { type: "string", default: root("packages/console-socket/dist/bin/console-socket.cjs") },
  },
});

const scratch = createRunDirectory("bench-");
clearAtEnd(scratch);
process.env.TMPDIR = scratch;

function build(name) {
  const output = join(scratch, name);
  const { status } = spawnSync("gcc", ["-O2", "-static", "-o", output, root(`bench/peers/c/${name}.c`)], {
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw new Error(`gcc did not build ${name}`);
  return output;
}

const program = build("first-look");
const receivers = {
  "console-socket": [process.execPath, values.command, "receive", "--size", "91x17", "--no-stdin"],
  C: [build("cold-receiver")],
};

const bundle = join(scratch, "bundle");
function makeBundle() {
  for (const name of ["", "proc", "dev"]) mkdirSync(join(bundle, "rootfs", name), { recursive: true });
  copyFileSync(program, join(bundle, "rootfs/first-look"));
  const mount = (destination, type, options = []) => ({ destination, type, source: type, options });
  const config = {
    ociVersion: "1.0.2",
    process: { terminal: true, user: { uid: 0, gid: 0 }, args: ["/first-look"], env: [], cwd: "/" },
    root: { path: "rootfs" },
    mounts: [
      mount("/proc", "proc"),
      mount("/dev", "tmpfs", ["nosuid", "mode=755", "size=1024k"]),
      mount("/dev/pts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
    ],
    linux: { namespaces: ["pid", "ipc", "uts", "mount"].map((type) => ({ type })) },
  };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
}

function send(socket) {
  if (values.sender === "console-init") {
    const init = root("native/build/Release/console-init");
    return { argv: [init, "--ptmx", "/dev/ptmx", "--console-socket", socket, "--", program], clean: () => undefined };
  }
  const id = `bench-cold-${process.pid}`;
  const argv = ["runc", "run", "--detach", "--bundle", bundle, "--console-socket", socket, id];
  return { argv, clean: () => spawnSync("runc", ["delete", "--force", id], { stdio: "ignore" }) };
}

/** What the program saw. */
async function receiveOnce(receiver) {
  const socket = join(scratch, "c");
  const [command, ...args] = [...receiver, socket];
  const receiving = spawn(command, args, { stdio: ["ignore", "pipe", 2] });
  let shown = "";
  receiving.stdout?.setEncoding("utf8").on("data", (text) => {
    shown += text;
  });
  const ended = once(receiving, "close");
  while (!existsSync(socket)) await delay(5);
  // So that it waits, as a receiver does while a runtime starts.
  await delay(Number(values.settle));
  const { argv, clean } = send(socket);
  const [sender, ...rest] = argv;
  await once(spawn(sender, rest, { stdio: ["ignore", "ignore", 2] }), "exit");
  await ended;
  clean();
  rmSync(socket, { force: true });
  return shown;
}

if (values.sender === "runc") makeBundle();
const busy = Array.from({ length: Number(values.busy) }, () => spawn("sh", ["-c", "while :; do :; done"]));
const results = Object.fromEntries(Object.keys(receivers).map((name) => [name, { runs: 0, size: 0, onlcr: 0 }]));
try {
  for (let run = 0; run < Number(values.runs); run++) {
    for (const [name, receiver] of Object.entries(receivers)) {
      const [size, newline] = (await receiveOnce(receiver)).replace("|", "").split(" ");
      results[name].runs++;
      if (size !== "91x17") results[name].size++;
      if (newline !== "LF") results[name].onlcr++;
    }
  }
} finally {
  for (const child of busy) child.kill("SIGKILL");
}
console.log(JSON.stringify({ sender: values.sender, busy: busy.length, late: results }));
