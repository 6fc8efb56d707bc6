// Memory does not grow while descriptors pass at full rate: a minute of messages, and a minute of UnixStream.
//   node scripts/verify/growth.mjs [MINUTES]
// What is measured is bench/peers/js/growth.mjs's: heap and external memory behind a collection, before and after. Millions
// of messages pass, so what one of them leaves behind would be seen.
import { spawnSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

// What Node itself makes in a minute (compiled code, the inspector's and timers' own), with room.
const ALLOWED_BYTES = 512 * 1024;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const minutes = process.argv[2] ?? "1";
const programs = { messages: ["descriptors.mjs", "0", "1", minutes], "a stream": ["stream.mjs", "0", minutes] };

const told = [];
for (const [what, [program, ...args]] of Object.entries(programs)) {
  const path = join(root, "bench/peers/js", program);
  const { status, stdout } = spawnSync(process.execPath, ["--expose-gc", path, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.stdout.write(`${what}: ${stdout}`);
  if (status !== 0) process.exit(1);
  const { messages, heapGrowthBytes, externalGrowthBytes } = JSON.parse(stdout);
  const grown = Math.max(heapGrowthBytes, externalGrowthBytes) > ALLOWED_BYTES;
  if (grown) process.exitCode = 1;
  const growth = `heap by ${heapGrowthBytes} bytes, external memory by ${externalGrowthBytes}`;
  told.push(`${what}: ${messages} descriptors, ${growth}${grown ? ": too much" : ""}`);
}
console.log(told.join("; "));
