// start.mjs ours|spawn COUNT MEBIBYTES: the time that starting COUNT processes at once takes on the event loop, in the
// calls alone, in a process with so much memory in use. Prints {"calls":MILLISECONDS,"all":MILLISECONDS}.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { startProcess } from "../../../native/dist/start-process.js";

const [, , way, count, mebibytes] = process.argv;
const ballast = Buffer.alloc(Number(mebibytes) * 2 ** 20, 1);

const ways = {
  ours: async () => (await startProcess("/bin/true", { argv: ["true"], descriptors: ["null", "null", "null"] })).exited,
  spawn: () => once(spawn("/bin/true", [], { stdio: "ignore" }), "exit"),
};

const begin = performance.now();
const all = Array.from({ length: Number(count) }, ways[way]);
const calls = performance.now() - begin;
await Promise.all(all);
console.log(JSON.stringify({ calls, all: performance.now() - begin, ballast: ballast.length }));
