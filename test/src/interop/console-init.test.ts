// console-init at the other end of runc's own receiver: what it sends is what RecvFd takes.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { Container } from "../support/container.js";
import { goProgram } from "../support/go-program.js";
import { repository } from "../support/paths.js";
import { startPeer } from "../support/peer.js";
import { type Program, run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { runtimes } from "../support/runtimes.js";
import { tempDir } from "../support/temp-dir.js";

const consoleInit = join(repository, "native/build/Release/console-init");

/** runc's receiver, listening: it types a line, and reads until the terminal has ended. */
async function runcReceiver(t: Test, socket: string): Promise<Program> {
  const receiver = start(t, await goProgram(t, "recvfd"), [socket, "echo $((6*7)) on $(tty); stty size; exit"]);
  await receiver.output(/^listening$/m);
  return receiver;
}

async function received(receiver: Program): Promise<{ name: string; transcript: string }> {
  const { stdout, stderr } = await receiver.ended;
  const line = stdout.split("\n")[1];
  if (!line) throw new Error(`recvfd: ${stderr}`);
  return JSON.parse(line);
}

t.test(
  "console-init --ptmx /dev/ptmx: runc's RecvFd receives and uses the terminal",
  {
    skip: needs("runc-go"),
  },
  async (t) => {
    const socket = join(tempDir(t), "s");
    const receiver = await runcReceiver(t, socket);
    const args = ["--console-socket", socket, "--size", "101x33", "--ptmx", "/dev/ptmx", "--", "/bin/sh"];
    const command = start(t, consoleInit, args);
    const { name, transcript } = await received(receiver);
    t.equal(name, "/dev/ptmx", "exactly the payload of runc");
    t.match(transcript, /42 on \/dev\/pts\/\d+\r\n33 101\r\n$/);
    t.match(await command.ended, { status: 0, stdout: "", stderr: "" });
  },
);

t.test("console-init sends nine bytes and one descriptor, then closes", { skip: needs("python3") }, async (t) => {
  const socket = join(tempDir(t), "s");
  const peer = startPeer(t, [
    { listen: socket },
    { accept: true },
    { receive: true },
    { receive: true },
    { read: "no" },
  ]);
  await peer.step(0);
  const args = ["--console-socket", socket, "--ptmx", "/dev/ptmx", "--", "/bin/sh", "-c", "echo through the terminal"];
  t.match(await run(t, consoleInit, args), { status: 0, stdout: "", stderr: "" });
  t.match(await peer.done(), [
    {},
    {},
    { payload: "/dev/ptmx", fds: 1, flags: 0 },
    { payload: "", fds: 0 },
    { data: "through the terminal\r\n", ended: "EIO" },
  ]);
});

// Where it is made for: as the program of a container without a terminal of the runtime's own. Not gVisor's: a terminal
// that a program opens there exists inside the sandbox only.
for (const runtime of runtimes.filter(({ name }) => name !== "runsc")) {
  t.test(
    `console-init in a container of ${runtime.name}: runc's RecvFd receives and uses the terminal`,
    {
      skip: needs(...runtime.needs, "runc-go"),
    },
    async (t) => {
      const dir = tempDir(t);
      const receiver = await runcReceiver(t, join(dir, "s"));
      const box = new Container(t, runtime, {
        args: ["/console-init", "--console-socket", "/run/console/s", "--size", "101x33", "--", "/bin/sh"],
        terminal: false,
        binds: { "/run/console": dir },
      });
      copyFileSync(consoleInit, join(box.bundle, "rootfs/console-init"));
      t.match(await box.run(), { status: 0 });
      t.match(await received(receiver), { name: "/dev/ptmx", transcript: /42 on \/dev\/pts\/0\r\n33 101\r\n$/ });
    },
  );
}
