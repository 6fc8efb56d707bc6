// UnixStream.writeWithFds: descriptors are borrowed for the call, wait for room as bytes do, and go once.
import { once } from "node:events";
import { closeSync, fstatSync, openSync } from "node:fs";
import { text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { OwnedFd } from "cmsg";
import { native } from "cmsg-native";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { record, streamPair } from "../support/unix-streams.js";

t.test(
  "writeWithFds borrows the descriptors for the call, also before it is connected and when there is no room",
  async (t) => {
    const before = openFds();
    const [one, other] = streamPair(t);
    const numbers: number[] = [];
    other.on("fds", (fds: number[]) => numbers.push(...fds));
    const inode = fstatSync(openSync("/proc/self/status", "r")).ino;
    const write = (bytes: Buffer) => {
      const fd = openSync("/proc/self/status", "r");
      const result = one.writeWithFds(bytes, [fd]);
      closeSync(fd);
      return result;
    };
    write(Buffer.from("early"));
    await once(one, "connect");
    other.pause();
    t.equal(one.write(Buffer.alloc(3_000_000)), false);
    t.equal(write(Buffer.from("late")), false);
    t.equal(write(Buffer.alloc(500_000)), false);
    let length = 0;
    other.on("data", (data: Buffer) => {
      length += data.length;
    });
    other.resume();
    one.end();
    await finished(other);
    t.equal(length, 3_500_009);
    t.equal(numbers.length, 3);
    for (const fd of numbers) {
      t.equal(fstatSync(fd).ino, inode);
      closeSync(fd);
    }
    one.destroy();
    for (const [fd, what] of openFds()) if (!before.has(fd) && what.endsWith("/status")) closeSync(fd);
    await assertNoLeak(t, before);
  },
);

t.test("writeWithFds is false as soon as descriptors have to wait, and 'drain' comes when they are gone", async (t) => {
  const before = openFds();
  const [one, other] = streamPair(t);
  await once(one, "connect");
  other.pause();
  let written = 1;
  while (one.writeWithFds(Buffer.from("x"), [0])) written++;
  t.ok(written > 100, `${written} went at once`);
  t.equal(openFds().size - before.size, 3, "the two ends, and one copy");
  let received = 0;
  other.on("fds", (fds: number[]) => {
    received += fds.length;
    for (const fd of fds) closeSync(fd);
  });
  other.resume();
  await once(one, "drain");
  one.end();
  await finished(other);
  t.equal(received, written);
  one.destroy();
  await assertNoLeak(t, before);
});

t.test("writeWithFds [room comes up between its two attempts] tells of it by one 'drain'", async (t) => {
  const before = openFds();
  for (const length of [1, 100_000]) {
    const [one, other] = streamPair(t);
    await once(one, "connect");
    while (native.sendmsg(one.fd, Buffer.alloc(1), 0, 0) > 0);
    /** Looked at when it is sent, and again when it is copied: by then somebody has made room. */
    class Standing extends OwnedFd {
      looks = 0;
      override get fd(): number {
        if (++this.looks === 2) while (native.recvmsg(other.fd, 65536, 0) > 0);
        return super.fd;
      }
    }
    const standing = new Standing(openSync("/dev/null", "r"));
    let drains = 0;
    one.on("drain", () => drains++);
    t.notOk(one.writeWithFds(Buffer.alloc(length, "y"), [standing]));
    t.ok(standing.looks >= 2);
    standing.close();
    const events = record(other);
    if (drains === 0) await once(one, "drain");
    one.end();
    await finished(other);
    t.equal(drains, 1);
    t.equal(events.find(Number.isInteger), 1, "and the descriptor came");
    one.destroy();
  }
  await assertNoLeak(t, before);
});

t.test("writeWithFds refuses what cannot travel, and the stream goes on", async (t) => {
  const before = openFds();
  const [one, other] = streamPair(t);
  await once(one, "connect");
  const byte = Buffer.from("x");
  for (const full of [false, true]) {
    if (full) one.cork();
    t.throws(() => one.writeWithFds(byte, [99999]), { code: "EBADF" });
    t.throws(() => one.writeWithFds(byte, [-1]), { code: "ERR_CMSG_INVALID_ARG" });
    t.throws(() => one.writeWithFds(byte, Array(254).fill(0)), { code: "ERR_CMSG_FD_COUNT" });
    t.throws(() => one.writeWithFds(Buffer.alloc(0), [0]), { code: "ERR_CMSG_NO_DATA" });
    const closed = new OwnedFd(native.dup(0));
    closed.close();
    t.throws(() => one.writeWithFds(byte, [closed]), { code: "ERR_CMSG_CLOSED" });
  }
  one.writeWithFds(Buffer.from("corked"), [0]);
  one.writeWithFds(Buffer.from("without"), []);
  one.uncork();
  one.end();
  t.equal(await text(other), "corkedwithout");
  const failed = once(one, "error");
  one.writeWithFds(byte, [0]);
  t.match(await failed, [{ code: "ERR_STREAM_WRITE_AFTER_END" }]);
  one.destroy();
  await assertNoLeak(t, before);
});
