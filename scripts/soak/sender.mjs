// The other end of the held consoles, a process of its own: it opens their terminals, sends each ptmx, and lets them speak.
//   node scripts/soak/sender.mjs SOCKET COUNT SILENT
// Each console's name is its number. SILENT connections send nothing and stay. A line "NUMBER TEXT" on standard input is
// shown by that terminal; when standard input ends, all of them are hung up at once.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { UnixSocket } from "cmsg";
import { openPty, sendConsole } from "console-init";

const [path, count, silent] = process.argv.slice(2);
const peers = [];
const connections = [];
for (let n = 0; n < Number(silent); n++) connections.push(await UnixSocket.connect(path));
for (let n = 0; n < Number(count); n++) {
  const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx" });
  await sendConsole(path, ptmx, { name: String(n) });
  ptmx.close();
  peers.push(peer);
}
for await (const line of createInterface(process.stdin)) {
  const space = line.indexOf(" ");
  writeSync(peers[Number(line.slice(0, space))].fd, line.slice(space + 1));
}
process.exit();
