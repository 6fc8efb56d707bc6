// A real container: runc, with a root file system that holds busybox and nothing else.
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

const BUSYBOX = "/bin/busybox";
const APPLETS = ["sh", "tty", "stty", "env", "ls", "ps", "vi", "top", "cat", "echo"];

export async function startContainer(socketPath, { say, interactive }) {
  const directory = mkdtempSync(join(tmpdir(), "demo-runc-"));
  const id = `demo-${process.pid}`;
  const runc = (...args) => runRunc(directory, args);
  const stop = async () => {
    await runc("delete", "--force", id).catch(() => undefined);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await makeBundle(directory, runc);
    say(`runc run -d --console-socket ${socketPath} ${id}`);
    await runc("run", "-d", "--console-socket", socketPath, id);
  } catch (error) {
    await stop();
    throw error;
  }
  return { exited: untilStopped(() => runc("state", id), interactive ? 500 : 50), stop };
}

// Never synchronously: the console arrives, and gets its size, while runc is still at work.
async function runRunc(directory, args) {
  try {
    const { stdout } = await execute("runc", ["--root", join(directory, "state"), ...args], { cwd: directory });
    return stdout;
  } catch (error) {
    if (error.code === "ENOENT") throw new Error("runc is not installed (Debian: apt install runc)");
    throw new Error(`runc ${args[0]} failed: ${error.stderr.trim()}`);
  }
}

async function makeBundle(directory, runc) {
  const bin = join(directory, "rootfs/bin");
  mkdirSync(bin, { recursive: true });
  try {
    copyFileSync(BUSYBOX, join(bin, "busybox"));
  } catch {
    throw new Error(`${BUSYBOX} is missing (Debian: apt install busybox-static)`);
  }
  for (const applet of APPLETS) symlinkSync("busybox", join(bin, applet));
  await runc("spec", ...(process.getuid?.() === 0 ? [] : ["--rootless"]));
  const file = join(directory, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  config.process.args = ["sh"];
  config.process.env = ["PATH=/bin", "PS1=demo$ ", `TERM=${process.env.TERM ?? "dumb"}`];
  config.root.readonly = false;
  writeFileSync(file, JSON.stringify(config));
}

// A container that was started detached is no child of this process: runc is asked.
async function untilStopped(state, everyMs) {
  for (;;) {
    const answer = await state().catch(() => undefined);
    if (!answer || JSON.parse(answer).status === "stopped") return "its container's end";
    await delay(everyMs);
  }
}
