// What messages carry besides descriptors: credentials and pidfds; and refusing descriptors.
import { readFileSync } from "node:fs";
import { CmsgError, closed, type OwnedFd, recvmsg, sendmsg, UnixServer, UnixSocket } from "cmsg";
import { ControlSlot, control, native, SCM_MAX_FD } from "cmsg-native";
import t from "tap";
import { denied } from "../support/denied.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { unsupported } from "../support/unsupported.js";

const own = { pid: process.pid, uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 };
const pidOf = (pidfd: OwnedFd | undefined) =>
  Number(/^Pid:\s+(-?\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${pidfd?.fd}`, "utf8"))?.[1]);

for (const type of ["stream", "seqpacket", "datagram"] as const) {
  t.test(`${type}: passCredentials gives the sender's, and others are claimed with privilege only`, async (t) => {
    const before = openFds();
    const [one, other] = UnixSocket.pair(type, { passCredentials: true });
    await one.send(Buffer.from("implicit"), [0]);
    {
      using message = await other.receive();
      t.strictSame(message?.credentials, own);
      t.equal(message?.fds.length, 1, "beside descriptors");
      t.equal(message?.pidfd, undefined);
    }
    await one.send(Buffer.from("explicit"), [0, 0], { credentials: own });
    {
      using message = await other.receive();
      t.strictSame(message?.credentials, own);
      t.equal(message?.fds.length, 2);
    }
    const claimed = { pid: process.ppid, uid: 4_000_000_000, gid: 4_000_000_001 };
    if (own.uid === 0) {
      t.equal(sendmsg(one.fd, Buffer.from("x"), { credentials: claimed }), 1);
      t.strictSame(recvmsg(other.fd)?.credentials, claimed);
    } else {
      await t.rejects(one.send(Buffer.from("x"), [], { credentials: claimed }), { code: "EPERM" });
    }
    one.close();
    other.close();
    await assertNoLeak(t, before);
  });
}

t.test("the end of a stream with passCredentials is its end, whatever credentials come with it", async (t) => {
  const [one, other] = UnixSocket.pair("stream", { passCredentials: true });
  await one.send(Buffer.from("last"));
  one.close();
  t.strictSame((await other.receive())?.credentials, own);
  t.equal(await other.receive(), null);
  other.close();
});

t.test("credentials come also where the pidfd beside them is an error's number", (t) => {
  // As recvmsg(2) puts it where the sender is gone, or no number is free.
  const { recvmsg: receive } = native;
  t.teardown(() => {
    native.recvmsg = receive;
  });
  const [one] = UnixSocket.pair();
  for (const pidfd of [-2, -3, -24]) {
    native.recvmsg = () => {
      control.fill(0);
      // The slots are neighbours: pidfd, hasCredentials, pid, uid, gid.
      control.set([pidfd, 1, own.pid, own.uid, own.gid], ControlSlot.pidfd);
      return 1;
    };
    const message = recvmsg(one.fd);
    t.strictSame(message?.credentials, own, `${pidfd}`);
    t.equal(message?.pidfd, undefined);
  }
  one.close();
  t.end();
});

t.test("without passCredentials there are none, and a server's connections inherit it", async (t) => {
  const [one, other] = UnixSocket.pair();
  await one.send(Buffer.from("x"));
  t.equal((await other.receive())?.credentials, undefined);
  one.close();
  other.close();
  const server = await UnixServer.listen(`${tempDir(t)}/s`, { passCredentials: true });
  const client = await UnixSocket.connect(server.path);
  await client.send(Buffer.from("sent before it is accepted"));
  const connection = await server.accept();
  t.strictSame((await connection.receive())?.credentials, own);
  for (const each of [client, connection, server]) each.close();
});

// What whoever made a socket can have turned on: socket(7), unix(7). Some kernels lack SO_INQ.
const OPTIONS = { SO_TIMESTAMP: 29, SO_PASSSEC: 34, SO_TIMESTAMPNS: 35, SO_TIMESTAMPING: 37, SO_INQ: 84 };
// SOF_TIMESTAMPING_RX_SOFTWARE and SOF_TIMESTAMPING_SOFTWARE.
const BOTH = 0x18;

for (const type of ["stream", "datagram"] as const) {
  t.test(`${type}: what else the socket tells of each message leaves room for all descriptors`, async (t) => {
    const before = openFds();
    const passPidfd = unsupported({ passPidfd: true }) === false;
    for (const [name, option] of Object.entries(OPTIONS)) {
      const [one, other] = UnixSocket.pair(type, { passCredentials: true, passPidfd });
      try {
        native.setSocketOption(other.fd, option, name === "SO_TIMESTAMPING" ? BOTH : 1);
      } catch (error) {
        t.match(error, { code: /^(ENOPROTOOPT|EOPNOTSUPP)$/ }, name);
      }
      await one.send(Buffer.from("x"), Array<number>(SCM_MAX_FD).fill(0));
      using message = await other.receive();
      t.equal(message?.fds.length, SCM_MAX_FD, name);
      t.strictSame(message?.credentials, own, name);
      if (passPidfd) t.equal(pidOf(message?.pidfd), process.pid, name);
      for (const end of [one, other]) end.close();
    }
    await closed();
    await assertNoLeak(t, before);
  });
}

t.test("passPidfd gives the sender's process", { skip: unsupported({ passPidfd: true }) }, async (t) => {
  const before = openFds();
  const server = await UnixServer.listen(`${tempDir(t)}/s`, { passPidfd: true, passCredentials: true });
  const child = start(t, ...nodeProgram("cmsg/send-one-descriptor", [server.path]));
  const connection = await server.accept();
  {
    using message = await connection.receive();
    t.equal(message?.credentials?.pid, pidOf(message?.pidfd));
    t.equal(message?.fds.length, 1);
    using peer = connection.peerPidfd();
    t.equal(pidOf(peer), connection.peerCredentials().pid);
    connection.close();
    await child.ended;
    t.equal(pidOf(peer), -1, "it names that process also when it is gone");
    t.notOk(message?.pidfd?.closed);
  }
  server.close();
  await assertNoLeak(t, before);
});

t.test(
  "passRights: false makes the sender's fail with EPERM",
  { skip: unsupported({ passRights: false }) },
  async (t) => {
    const before = openFds();
    const server = await UnixServer.listen(`${tempDir(t)}/s`, { passRights: false });
    const client = await UnixSocket.connect(server.path);
    const connection = await server.accept();
    await t.rejects(client.send(Buffer.from("x"), [0]), { code: "EPERM", syscall: "sendmsg" });
    t.throws(() => sendmsg(client.fd, Buffer.from("x"), { rights: [0] }), { code: "EPERM" });
    await client.send(Buffer.from("bytes pass"));
    t.equal((await connection.receive())?.data.toString(), "bytes pass");
    for (const each of [client, connection, server]) each.close();
    await assertNoLeak(t, before);
  },
);

t.test("a kernel that is too old is ERR_CMSG_UNSUPPORTED, which says how old", { skip: needs("strace") }, async (t) => {
  // ENOPROTOOPT is what such a kernel answers.
  const options = ["SO_PEERPIDFD", "SO_PASSPIDFD", "SO_PASSRIGHTS", "SO_PASSRIGHTS"];
  const inject = ["-e", "inject=getsockopt,setsockopt:error=ENOPROTOOPT"];
  const strace = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=getsockopt,setsockopt", ...inject];
  const program = nodeProgram("cmsg/ask-for-new-options").flat();
  const { stdout, stderr } = await run(t, "strace", [...strace, ...program]);
  const lines = stdout.trim().split("\n");
  t.equal(lines.length, options.length, stderr);
  for (const [index, option] of options.entries()) {
    t.match(lines[index], new RegExp(`^CmsgError ERR_CMSG_UNSUPPORTED .*${option}.* needs Linux 6\\.\\d+ or newer`));
  }
});

t.test("a wrong type is ERR_CMSG_INVALID_ARG", (t) => {
  const wrong = "raw" as "stream";
  t.throws(() => UnixSocket.pair(wrong), CmsgError);
  t.throws(() => UnixSocket.pair("toString" as "stream"), { code: "ERR_CMSG_INVALID_ARG" });
  t.end();
});

t.test(
  "a kernel without SO_PASSPIDFD, SO_PASSRIGHTS, SO_PEERPIDFD: which is missing, and since when",
  {
    skip: needs("python3"),
  },
  async (t) => {
    const refused = ["setsockopt:76", "setsockopt:83", "getsockopt:77"].map((option) => `${option}=ENOPROTOOPT`);
    const program = nodeProgram("cmsg/ask-for-new-options").flat();
    const [command, ...args] = denied(...refused);
    const { stdout, stderr } = await run(t, command, [...args, ...program]);
    t.equal(stderr, "");
    t.match(stdout.split("\n"), [
      /^CmsgError ERR_CMSG_UNSUPPORTED A peer's pidfd \(SO_PEERPIDFD\) needs Linux 6\.5 or newer; this is /,
      /^CmsgError ERR_CMSG_UNSUPPORTED passPidfd \(SO_PASSPIDFD\) needs Linux 6\.5 or newer; this is /,
      /^CmsgError ERR_CMSG_UNSUPPORTED passRights \(SO_PASSRIGHTS\) needs Linux 6\.16 or newer; this is /,
      /^CmsgError ERR_CMSG_UNSUPPORTED passRights \(SO_PASSRIGHTS\) needs Linux 6\.16 or newer; this is /,
    ]);
  },
);
