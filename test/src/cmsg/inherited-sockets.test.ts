// O_NONBLOCK of the sockets that cmsg makes: what a program that inherits one finds.
import { constants } from "node:fs";
import { OwnedFd, UnixServer, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { start } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

const blocks = (fd: number) => (native.getStatusFlags(fd) & constants.O_NONBLOCK) === 0;

for (const type of ["stream", "seqpacket", "datagram"] as const) {
  t.test(`pair [${type}, an end is inherited] lets a program wait for bytes`, async (t) => {
    const before = openFds();
    const [one, other] = UnixSocket.pair(type);
    t.ok(blocks(one.fd) && blocks(other.fd));
    const reader = 'echo reads; dd bs=9 count=1 <&3 2>&1; echo "status $?"';
    const program = start(t, "sh", ["-c", reader], { fds: [other.fd] });
    other.close();
    await program.output(/^reads$/m);
    await one.send(Buffer.from("some line"));
    t.match((await program.ended).stdout, /^reads\nsome line[\s\S]*status 0\n$/);
    one.close();
    await assertNoLeak(t, before);
  });
}

t.test("pair [no room, nothing to receive]: neither send nor receive blocks the thread", async (t) => {
  const before = openFds();
  const [one, other] = UnixSocket.pair();
  const sending = one.send(Buffer.alloc(8 * 1024 * 1024));
  const receiving = one.receive();
  let got = 0;
  while (got < 8 * 1024 * 1024) got += (await other.receive())?.data.length ?? 0;
  t.equal(await sending, undefined);
  await other.send(Buffer.from("x"));
  t.equal(String((await receiving)?.data), "x");
  one.close();
  other.close();
  await assertNoLeak(t, before);
});

t.test("release [connected, accepted, bound, of a pair] gives the flag that the documentation names", async (t) => {
  const before = openFds();
  const server = await UnixServer.listen(`${tempDir(t)}/s`);
  const connected = await UnixSocket.connect(server.path);
  const accepted = await server.accept();
  const bound = await UnixSocket.bind();
  const [one, other] = UnixSocket.pair();
  const released = [connected, accepted, bound, one, other].map((socket) => new OwnedFd(socket.release()));
  t.strictSame(
    released.map(({ fd }) => blocks(fd)),
    [false, false, false, true, true],
  );
  for (const fd of released) fd.close();
  server.close();
  await assertNoLeak(t, before);
});
