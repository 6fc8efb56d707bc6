// Under load every descriptor arrives with its own bytes, in order, and none is left over.
import { once } from "node:events";
import { closeSync, readSync } from "node:fs";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import { sendmsg, UnixStream } from "cmsg";
import { native } from "cmsg-native";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";

const MESSAGES = 10_000;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;

/** A socket with a number in it, which its receiver reads. */
function marked(number: number): number {
  const [read, write] = native.socketpair(1);
  sendmsg(write, Buffer.from(`${number}`));
  native.close(write);
  return read;
}

function markOf(fd: number): number {
  const bytes = Buffer.alloc(16);
  const count = readSync(fd, bytes, 0, bytes.length, null);
  return Number(bytes.toString("utf8", 0, count));
}

/** Every fourth message is longer than the socket's buffer. */
const bodyOf = (number: number) => Buffer.alloc(8 + (number % 4 === 0 ? 6000 : number % 50), number % 251);

t.test(`${MESSAGES} messages with descriptors, a slow reader, tiny buffers`, async (t) => {
  const before = openFds();
  const ends = native.socketpair(1);
  for (const end of ends) for (const option of [SO_SNDBUF, SO_RCVBUF]) native.setSocketOption(end, option, 1);
  const [sender, receiver] = ends.map((fd) => UnixStream.connect({ fd })) as [UnixStream, UnixStream];

  // As D-Bus does it: descriptors wait for the message whose header claims one.
  const waiting: number[] = [];
  receiver.on("fds", (fds: number[]) => waiting.push(...fds));
  let next = 0;
  let rest = Buffer.alloc(0);
  const wrong: string[] = [];
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk: Buffer, _encoding, callback) {
      rest = Buffer.concat([rest, chunk]);
      for (let length = lengthOf(rest); rest.length >= length; length = lengthOf(rest)) {
        const body = rest.subarray(0, length);
        rest = rest.subarray(length);
        const fd = waiting.shift();
        if (fd === undefined) wrong.push(`message ${next} came before its descriptor`);
        else {
          if (markOf(fd) !== next) wrong.push(`message ${next} has another's descriptor`);
          closeSync(fd);
        }
        if (!body.subarray(4).equals(bodyOf(next))) wrong.push(`message ${next} has other bytes`);
        next++;
      }
      if (next % 16 === 0) setImmediate(callback);
      else callback();
    },
  });
  const received = pipeline(receiver, slow);

  for (let number = 0; number < MESSAGES; number++) {
    const fd = marked(number);
    const body = bodyOf(number);
    const header = Buffer.alloc(4);
    header.writeUInt32LE(body.length + 4);
    const goesOn = sender.writeWithFds(Buffer.concat([header, body]), [fd]);
    native.close(fd);
    if (!goesOn) await once(sender, "drain");
    else if (number % 100 === 0) await turn();
  }
  // It ends by itself once its own reading side has seen the end too.
  sender.resume().end();
  await received;
  t.equal(next, MESSAGES);
  t.strictSame(wrong, []);
  t.equal(rest.length, 0);
  t.equal(waiting.length, 0, "no descriptor is left over");
  await assertNoLeak(t, before);
});

function lengthOf(bytes: Buffer): number {
  return bytes.length < 4 ? Number.POSITIVE_INFINITY : bytes.readUInt32LE(0);
}
