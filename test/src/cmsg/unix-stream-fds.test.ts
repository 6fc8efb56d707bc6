// UnixStream's 'fds': descriptors come just before the bytes they came with, and somebody always closes them.
import { once } from "node:events";
import { closeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import { UnixSocket, UnixStream } from "cmsg";
import t from "tap";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";
import { turns } from "../support/turns.js";
import { record, streamPair } from "../support/unix-streams.js";

t.test("'fds' comes just before the bytes they came with; the listener's to close", async (t) => {
  const before = openFds();
  const [one, other] = streamPair(t);
  await once(one, "connect");
  const events = record(other);
  one.write("plain ");
  t.equal(one.writeWithFds(Buffer.from("one "), [0]), true);
  one.writeWithFds(Buffer.from("two "), [0, 1]);
  await turn();
  one.end("last");
  await finished(other);
  t.equal(events.filter((event) => typeof event === "string").join(""), "plain one two last");
  t.strictSame(
    events.filter((event) => typeof event === "number"),
    [1, 2],
  );
  t.equal(events.indexOf(2), events.indexOf("two ") - 1);
  one.destroy();
  await assertNoLeak(t, before);
});

t.test(
  "'fds' [earlier bytes wait in the kernel] comes before the chunk that has both, and nothing later",
  async (t) => {
    const before = openFds();
    const [one, two] = UnixSocket.pair();
    await one.send(Buffer.from("earlier "));
    await one.send(Buffer.from("theirs"), [0]);
    await one.send(Buffer.from("later"));
    one.close();
    const stream = UnixStream.connect({ fd: two.release() });
    const events = record(stream);
    await finished(stream);
    t.strictSame(events, [1, "earlier theirs", "later"]);
    await assertNoLeak(t, before);
  },
);

t.test("'fds' [bytes before are not consumed yet] waits until they are", async (t) => {
  const before = openFds();
  const [one, other] = streamPair(t);
  const seen: (string | number)[] = [];
  other.on("fds", (fds: number[]) => {
    seen.push(fds.length);
    for (const fd of fds) closeSync(fd);
  });
  await once(one, "connect");
  one.write("first");
  await once(other, "readable");
  one.writeWithFds(Buffer.from("second"), [0]);
  one.writeWithFds(Buffer.from("third"), [0, 0]);
  await turns(5);
  t.strictSame(seen, [], "nothing of the second before the first was read");
  for await (const chunk of other) {
    seen.push(String(chunk));
    if (String(chunk) === "third") break;
  }
  t.strictSame(seen, ["first", 1, "second", 2, "third"]);
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("without a listener for 'fds' they are closed; what is held when it is destroyed, too", async (t) => {
  const before = openFds();
  const [one, other] = streamPair(t);
  await once(one, "connect");
  one.writeWithFds(Buffer.from("x"), [0, 0, 0]);
  const [data] = await once(other, "data");
  t.equal(String(data), "x");
  other.pause();
  other.on("fds", () => t.fail("never consumed up to there"));
  one.write("plain");
  while (other.readableLength === 0) await turn();
  one.writeWithFds(Buffer.from("y"), [0, 0]);
  await turns(5);
  other.destroy();
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("253 descriptors in one write", async (t) => {
  const before = openFds();
  const [one, other] = streamPair(t);
  other.on("fds", (fds: number[]) => {
    t.equal(new Set(fds).size, 253);
    for (const fd of fds) closeSync(fd);
  });
  one.writeWithFds(Buffer.from("many"), Array(253).fill(0));
  one.end();
  t.equal(await text(other), "many");
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("a listener that throws is an uncaught exception like any other's, and the bytes still come", async (t) => {
  const { stdout } = await run(t, ...nodeProgram("cmsg/throwing-fds-listener"));
  t.strictSame(stdout.trim().split("\n").sort(), ["bytes", "the listener's own"]);
});

t.test("listeners that throw: each is an uncaught exception, and nothing is lost", async (t) => {
  const ends = ["uncaught c", "end", "uncaught end", "closed null"];
  for (const how of ["flowing", "readable"]) {
    const { stdout, stderr } = await run(t, ...nodeProgram("cmsg/throwing-listeners", [how]));
    t.equal(stderr, "");
    const seen: string[] = JSON.parse(stdout);
    for (const event of ["a", "b", "c", "uncaught a", "uncaught b", ...ends])
      t.equal(seen.filter((other) => other === event).length, 1, `${how}: ${event}`);
    for (const event of ["fds", "uncaught fds"]) t.equal(seen.filter((other) => other === event).length, 3, event);
    t.equal(seen.at(-1), "closed null");
  }
});
