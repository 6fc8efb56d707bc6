// What comes and goes: programs of the host behind console-init, and containers. Each counts, and every byte is compared.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { consoleInitPath } from "console-init";
import { launch, listen } from "console-socket";
import { writeBundle } from "./bundle.mjs";
import { compareCounted } from "./counted.mjs";

const upTo = (most) => 1 + Math.floor(Math.random() * most);

/** A program of the host that counts to at most `most`: a short one, or a flood. */
export async function program(most) {
  const last = upTo(most);
  const listener = await listen();
  try {
    const args = ["--ptmx", "/dev/ptmx", "--console-socket", listener.path, "--", "seq", "1", String(last)];
    const child = spawn(consoleInitPath(), args, { stdio: "ignore" });
    const exited = once(child, "exit");
    const bytes = await compareCounted(await listener.accept(), last, `seq 1 ${last}`);
    const [status] = await exited;
    if (status !== 0) throw new Error(`console-init ended with ${status}`);
    return bytes;
  } finally {
    listener.close();
  }
}

let count = 0;

/** A container of `runtime`, from its start to its removal. */
export async function container(runtime) {
  const last = upTo(5000);
  const directory = mkdtempSync(join(tmpdir(), "soak-"));
  const id = `soak-${process.pid}-${++count}`;
  const command = runtime.command(join(directory, "state"));
  try {
    writeBundle(directory, ["seq", "1", String(last)]);
    const args = ["run", "--detach", "--bundle", directory, "--console-socket", "{}", id];
    const started = await launch([...command, ...args]);
    const bytes = await compareCounted(started.terminal, last, `${runtime.name}, seq 1 ${last}`);
    const { code } = await started.exited;
    if (code !== 0) throw new Error(`the container of ${runtime.name} ended with ${code}`);
    return bytes;
  } finally {
    const [name, ...rest] = [...command, "delete", "--force", id];
    await once(spawn(name, rest, { stdio: "ignore" }), "exit");
    rmSync(directory, { recursive: true });
  }
}
