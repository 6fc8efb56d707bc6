// Two copies of cmsg in one process, as npm installs them where versions differ: what one made is given to the other.
import { closeSync, cpSync, mkdirSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as cmsg from "cmsg";
import { listenOn } from "cmsg/systemd";
import { findBinary, native, SOCK_STREAM } from "cmsg-native";
import { openPty, sendConsole } from "console-init";
import { fakeRuntime } from "console-init/testing";
import { receiveConsole } from "console-socket";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { repository } from "../support/paths.js";
import { tempDir } from "../support/temp-dir.js";

async function secondCopy(t: Test): Promise<typeof cmsg> {
  const modules = join(tempDir(t), "node_modules");
  for (const [name, folder] of [
    ["cmsg", "packages/cmsg"],
    ["cmsg-native", "native"],
  ] as const) {
    for (const part of ["package.json", "dist"])
      cpSync(join(repository, folder, part), join(modules, name, part), { recursive: true });
  }
  mkdirSync(join(modules, "cmsg-native/build/Release"), { recursive: true });
  cpSync(findBinary("cmsg.node"), join(modules, "cmsg-native/build/Release/cmsg.node"));
  return import(pathToFileURL(join(modules, "cmsg/dist/index.js")).href);
}

t.test("what another copy made is recognized", async (t) => {
  const other = await secondCopy(t);
  const before = openFds();
  t.not(other.OwnedFd, cmsg.OwnedFd);

  await t.test("instanceof: descriptors, sockets, errors; not what only looks like one", async (t) => {
    const [one, two] = other.UnixSocket.pair();
    using fd = new other.OwnedFd(openSync("/dev/null", "r"));
    t.ok(fd instanceof cmsg.OwnedFd);
    t.ok(one instanceof cmsg.UnixSocket);
    t.notOk(one instanceof cmsg.OwnedFd);
    t.notOk({ fd: 3, close() {} } instanceof cmsg.OwnedFd);
    t.notOk((null as unknown) instanceof cmsg.OwnedFd);
    const error = await other.UnixSocket.connect("").catch((reason: unknown) => reason);
    t.ok(error instanceof cmsg.CmsgError && error.code === "ERR_CMSG_INVALID_ARG");
    class Special extends cmsg.CmsgError {}
    t.notOk(error instanceof Special);
    t.ok(new Special("ERR_CMSG_EOF", "") instanceof Special);
    one.close();
    two.close();
  });

  await t.test("listenOn takes an OwnedFd of the other copy: it is closed once", async (t) => {
    const number = native.socket(SOCK_STREAM);
    native.bind(number, Buffer.from(`\0two-copies-${process.pid}`));
    native.listen(number, 8);
    native.disown(number);
    const fd = new other.OwnedFd(number);
    const server = createServer();
    await listenOn(server, fd);
    t.ok(fd.closed);
    await new Promise((closed) => server.close(closed));
  });

  await t.test("descriptors and sockets are borrowed and taken across copies", async (t) => {
    const [one, two] = cmsg.UnixSocket.pair();
    using fd = new other.OwnedFd(openSync("/dev/null", "r"));
    await one.send(Buffer.from("x"), [fd]);
    const message = await two.receive();
    t.equal(message?.fds.length, 1);
    message?.[Symbol.dispose]();
    const taken = other.UnixSocket.fromFd(new cmsg.OwnedFd(one.release()));
    await taken.send(Buffer.from("y"));
    t.equal(String((await two.receive())?.data), "y");
    taken.close();
    two.close();
  });

  await t.test("sendConsole borrows and fakeRuntime takes a socket of the other copy", async (t) => {
    const [ours, theirs] = other.UnixSocket.pair();
    const pty = openPty({ ptmx: "/dev/ptmx" });
    const received = receiveConsole(ours as cmsg.UnixSocket);
    await sendConsole(theirs as cmsg.UnixSocket, pty.ptmx);
    (await received).destroy();
    t.notOk(theirs.closed);
    theirs.close();
    pty.ptmx.close();
    pty.peer.close();
    const [receiver, sender] = other.UnixSocket.pair();
    const program = await fakeRuntime(sender as cmsg.UnixSocket);
    t.ok(sender.closed);
    (await receiveConsole(receiver as cmsg.UnixSocket)).destroy();
    program.exit();
  });

  await t.test("recvFile refuses what a socket of the other copy received: that copy closes it", async (t) => {
    const [ours, theirs] = other.UnixSocket.pair();
    const file = openSync("/dev/null", "r");
    await theirs.send(Buffer.from("two"), [file, file]);
    closeSync(file); // its number is the lowest free one, so the first that is received gets it
    await t.rejects(cmsg.recvFile(ours as cmsg.UnixSocket), { code: "ERR_CMSG_FD_COUNT" });
    t.throws(() => new other.OwnedFd(file), { code: "EBADF" }, "the other copy owns the number no longer");
    ours.close();
    theirs.close();
  });

  await t.test("receiveConsole tells an end of the other copy's socket by its code", async (t) => {
    const [ours, theirs] = other.UnixSocket.pair();
    theirs.close();
    await t.rejects(receiveConsole(ours as cmsg.UnixSocket), { code: "ERR_CONSOLE_NONE" });
  });

  await assertNoLeak(t, before);
});
