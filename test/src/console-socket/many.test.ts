// 4000 consoles in one process: no thread each, no wakeups while nothing happens, and every byte to its own.
import { once } from "node:events";
import { readdirSync, writeSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { PtyConsole } from "console-socket";
import t from "tap";
import { type HostPty, openHostPty } from "../support/host-pty.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";

const COUNT = 4000;
const threads = () => readdirSync("/proc/self/task").length;

t.test(`${COUNT} consoles at once`, async (t) => {
  // Threads that the first console starts are not counted for the others.
  const first = openHostPty();
  const console = PtyConsole.fromFd(first.ptmx).resume();
  first.peer.close();
  await once(console, "close");

  const before = openFds();
  const threadsBefore = threads();
  const ptys: HostPty[] = [];
  const consoles: PtyConsole[] = [];
  const shown: string[] = [];
  for (let n = 0; n < COUNT; n++) {
    const pty = openHostPty();
    ptys.push(pty);
    shown.push("");
    consoles.push(
      PtyConsole.fromFd(pty.ptmx).on("data", (chunk) => {
        shown[n] += chunk;
      }),
    );
  }
  t.equal(threads(), threadsBefore, "no thread came with them");
  ptys.forEach(({ peer }, n) => {
    writeSync(peer.fd, `this is ${n}`);
  });
  const ended = Promise.all(consoles.map((console) => once(console, "close")));
  for (const { peer } of ptys) peer.close();
  await ended;
  t.ok(shown.every((text, n) => text === `this is ${n}`));
  await assertNoLeak(t, before);
});

t.test("a flood beside somebody who types: both are served", async (t) => {
  const before = openFds();
  const flood = openHostPty();
  const typist = openHostPty();
  let flooded = 0;
  const loud = PtyConsole.fromFd(flood.ptmx).on("data", (chunk: Buffer) => {
    flooded += chunk.length;
  });
  const quiet = PtyConsole.fromFd(typist.ptmx);
  const fill = Buffer.alloc(1024, "x");
  for (let key = 0; key < 50; key++) {
    for (let n = 0; n < 8; n++) writeSync(flood.peer.fd, fill);
    quiet.write("k");
    // The terminal's own echo comes back.
    t.equal(String((await once(quiet, "data"))[0]), "k");
  }
  for (let turns = 0; turns < 1000 && flooded < 50 * 8 * 1024; turns++) await turn();
  t.equal(flooded, 50 * 8 * 1024);
  for (const { peer } of [flood, typist]) peer.close();
  loud.destroy();
  quiet.destroy();
  await assertNoLeak(t, before);
});
