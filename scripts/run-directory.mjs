// One temporary directory per run of the tests, the soak or the bench, which is also how the run finds what it left
// running: a test ends what it started, but a test file that was killed (a timeout, a crash) could not.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const GRACE_MS = 2000; // what was just told to end needs a moment

// A program that root starts can change the machine's device for all: runsc gives its standard input to nobody.
function nullDevice() {
  const { uid, gid, mode, rdev } = statSync("/dev/null");
  return `/dev/null of ${uid}:${gid}, mode ${mode.toString(8)}, device ${rdev}`;
}
const nullDeviceBefore = nullDevice();

/** A directory for TMPDIR. Its path is short: a socket's address has room for 107 bytes. */
export function createRunDirectory(prefix = "console-test-") {
  const directory = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(directory, 0o711); // tests that act as another user go through it
  return directory;
}

/** Living processes that name `directory` in their environment or arguments, as {pid, command}. */
function processesNaming(directory) {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return [];
      const [environment, command] = ["environ", "cmdline"].map((file) =>
        readFileSync(`/proc/${pid}/${file}`, "latin1"),
      );
      if (!environment.includes(directory) && !command.includes(directory)) return [];
      return command ? [{ pid: Number(pid), command: command.replaceAll("\0", " ").trim() }] : []; // else a zombie
    } catch {
      return []; // another user's, or gone
    }
  });
}

/** Mount points below `directory`. */
function mountsIn(directory) {
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "");
  return points.filter((point) => point.startsWith(`${directory}/`));
}

/** End what the run left running or mounted, remove its directory, and say what there was. */
export async function clearRunDirectory(directory, graceMs = GRACE_MS) {
  const deadline = performance.now() + graceMs;
  while (processesNaming(directory).length > 0 && performance.now() < deadline) await delay(50);
  const processes = processesNaming(directory);
  for (const { pid } of processes) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself after all.
    }
  }
  const mounts = mountsIn(directory);
  // Lazily: nobody has to let go of it first, and no daemon is asked.
  for (const point of mounts) spawnSync("umount", ["--lazy", point]);
  const left = [...processes.map(({ command }) => `process ${command}`), ...mounts.map((point) => `mount ${point}`)];
  if (nullDevice() !== nullDeviceBefore) left.push(`${nullDevice()}, which was ${nullDeviceBefore}`);
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    left.push(`directory ${error.message}`);
  }
  return left;
}

/** The directory goes, with whatever uses it, when this process ends: all of it at once, so that nothing new starts. */
export function clearAtEnd(directory) {
  const clear = () => void clearRunDirectory(directory, 0);
  process.once("exit", clear);
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      clear();
      process.kill(process.pid, signal);
    });
  }
}
