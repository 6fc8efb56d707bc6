// One run of a program: its figures, which it prints as one line of JSON. Where it asks for one, descriptor 3 is the ptmx
// of a terminal on which another program runs.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TIMEOUT_MS = 120_000;

export async function run(argv, terminal) {
  const input = openPipe();
  const pty = terminal && (await startOnTerminal(terminal));
  const child = spawn(argv[0], argv.slice(1), { stdio: [input, "pipe", "pipe", ...(pty ? [pty.ptmx.fd] : [])] });
  pty?.ptmx.close();
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    child[name].setEncoding("utf8").on("data", (text) => {
      output[name] += text;
    });
  }
  try {
    const [code, signal] = await new Promise((resolve, reject) => {
      child.once("error", reject).once("close", (...status) => resolve(status));
    });
    if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${signal ?? code}: ${output.stderr.trim()}`);
    return JSON.parse(output.stdout);
  } finally {
    clearTimeout(timer);
    closeSync(input);
    await pty?.end();
  }
}

async function startOnTerminal(argv) {
  const { openPty } = await import("../../packages/init/dist/index.js");
  const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx", initialSize: { columns: 80, rows: 24 } });
  const program = spawn(argv[0], argv.slice(1), { stdio: [peer.fd, peer.fd, peer.fd], detached: true });
  const ended = new Promise((resolve) => program.once("close", resolve));
  peer.close();
  return {
    ptmx,
    async end() {
      program.kill("SIGKILL");
      await ended;
    },
  };
}

// Both ends of a pipe as standard input: what the descriptor cases send.
function openPipe() {
  const directory = mkdtempSync(join(tmpdir(), "bench-pipe-"));
  const path = join(directory, "pipe");
  try {
    if (spawnSync("mkfifo", [path]).status !== 0) throw new Error("mkfifo failed");
    return openSync(path, constants.O_RDWR);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
