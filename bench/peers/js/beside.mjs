// keeper KEEPER INIT | monitor MONITOR | dtach DTACH: the memory of what stands beside one program that rests on a terminal,
// in KiB: the proportional set size of its processes, without the program. Prints {"pss":N}.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const [what, program, init] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), "bench-beside-"));
const REST = ["sh", "-c", "exec sleep 1000", directory];

/** Processes of this program that came out of this run: by their command line. */
function ours() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [command, ...args] = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
        return command === program && args.some((arg) => arg.startsWith(directory));
      } catch {
        return false;
      }
    });
}

const pssOf = (pid) => Number(readFileSync(`/proc/${pid}/smaps_rollup`, "latin1").match(/^Pss: +(\d+)/m)?.[1]);
// The library gives what it starts no more.
const env = { PATH: process.env.PATH };

const start = {
  dtach: async () => {
    spawn(program, ["-n", join(directory, "socket"), ...REST], { env, stdio: "ignore" });
    return {
      end: (pids) => {
        for (const pid of pids) process.kill(pid);
      },
    };
  },
  monitor: async () => {
    const { UnixSocket } = await import("cmsg");
    const [control, theirs] = UnixSocket.pair();
    spawn(program, REST, { env, stdio: ["ignore", "ignore", "ignore", theirs.fd] });
    theirs.close();
    const kill = Buffer.from(Int32Array.of(1, 9, 0).buffer);
    return { end: () => control.send(kill) };
  },
  keeper: async () => {
    const { UnixSocket } = await import("cmsg");
    const pairs = [UnixSocket.pair(), UnixSocket.pair()];
    spawn(program, [directory], { env, stdio: ["ignore", "ignore", "ignore", pairs[0][1].fd, pairs[1][1].fd] });
    for (const [, theirs] of pairs) theirs.close();
    const [[reader], [reaper]] = pairs;
    const path = join(directory, "socket");
    const command = [init, "--console-socket", path, "--ptmx", "/dev/ptmx", "--", ...REST];
    await reader.send(Buffer.concat([record(1, 1), record(2, 0, words(4, 262_144, 0xffff_ffff))]));
    const strings = ["", path, "", ...command, `PATH=${process.env.PATH}`].map((text) => `${text}\0`).join("");
    const header = words(32, 0, 0, 0, 1000, 0, command.length, 1);
    await reaper.send(Buffer.concat([record(1, 1), record(13, 0, Buffer.concat([header, Buffer.from(strings)]))]));
    return {
      end: async () => {
        await reaper.send(record(7, 9));
        reader.close();
      },
    };
  },
}[what];

function record(kind, value, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt16LE(kind, 4);
  header.writeBigUInt64LE(BigInt(value), 8);
  return Buffer.concat([header, payload]);
}

function words(...numbers) {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [i, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * i);
  return bytes;
}

const { end } = await start();
await delay(700);
const pids = ours();
const expected = what === "keeper" ? 2 : 1;
if (pids.length !== expected) throw new Error(`expected ${expected} processes of ${program}, found ${pids.length}`);
console.log(JSON.stringify({ pss: pids.reduce((sum, pid) => sum + pssOf(pid), 0) }));
await end(pids);
process.exit(0);
