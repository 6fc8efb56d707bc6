// first-byte ROOT RECEIVER ARG...: how long from starting `runc run -d` until the receiver, which listens already, has the
// first byte. ROOT is a bundle whose program writes one line and waits. Prints {"ms":N}.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [bundle, ...receiver] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), "bench-runc-"));
const socket = join(scratch, "s");
const runc = (...args) => ["--root", join(scratch, "state"), ...args];
const id = `bench-${process.pid}`;
const program = spawn(receiver[0], [...receiver.slice(1), socket], { stdio: ["ignore", "pipe", "inherit"] });
const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
try {
  await lines.next();
  const start = process.hrtime.bigint();
  const runtime = spawn("runc", runc("run", "-d", "--bundle", bundle, "--console-socket", socket, id), {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [status] = await once(runtime, "exit");
  if (status !== 0) throw new Error(`runc ended with status ${status}`);
  const { firstByte } = JSON.parse((await lines.next()).value);
  console.log(JSON.stringify({ ms: (firstByte - Number(start)) / 1e6 }));
} finally {
  program.kill("SIGKILL");
  spawnSync("runc", runc("delete", "--force", id));
  rmSync(scratch, { recursive: true, force: true });
}
