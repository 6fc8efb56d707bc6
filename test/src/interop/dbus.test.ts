// D-Bus, the protocol that dbus-native speaks over a UnixStream: descriptors through a real dbus-daemon, to and from a
// peer that is not JavaScript (libdbus).
import { once } from "node:events";
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, writeFileSync, writeSync } from "node:fs";
import { UnixStream } from "cmsg";
import { createConnection, type Message as DBusMessage } from "dbus-native";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

const NAME = "org.example.Files";
const CALL = 1;
const REPLY = 2;
const BUS = { destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };

/** A bus of the test's own: everybody may own and send everything. */
async function startBus(t: Test): Promise<string> {
  const dir = tempDir(t);
  const config = `${dir}/bus.conf`;
  writeFileSync(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
       "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
     <busconfig>
       <type>session</type>
       <listen>unix:path=${dir}/bus</listen>
       <auth>EXTERNAL</auth>
       <policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy>
     </busconfig>`,
  );
  const daemon = start(t, "dbus-daemon", [`--config-file=${config}`, "--nofork", "--nopidfile", "--print-address=1"]);
  await daemon.output(/^unix:path=\S+/m);
  return `${dir}/bus`;
}

interface Peer {
  connection: ReturnType<typeof createConnection>;
  /** Sends a call and waits for its reply. */
  call(message: Partial<DBusMessage>): Promise<DBusMessage>;
  stream: UnixStream;
}

async function connect(path: string): Promise<Peer> {
  const stream = UnixStream.connect({ path });
  const connection = createConnection({ stream, authMethods: ["EXTERNAL"] });
  connection.setMaxListeners(0); // one for each call under way
  await once(connection, "connect");
  let serial = 0;
  const call = (message: Partial<DBusMessage>): Promise<DBusMessage> => {
    const own = ++serial;
    return new Promise((resolve) => {
      const look = (reply: DBusMessage): void => {
        if (reply.replySerial !== own) return;
        connection.off("message", look);
        resolve(reply);
      };
      connection.on("message", look);
      connection.message({ type: CALL, serial: own, ...message } as DBusMessage);
    });
  };
  await call({ ...BUS, member: "Hello" });
  return { connection, call, stream };
}

function read(fd: number): string {
  const bytes = Buffer.alloc(1000);
  // From where it stands, where it can stand: a memfd's offset came with it.
  const position = fstatSync(fd).isFIFO() ? null : 0;
  return bytes.toString("utf8", 0, readSync(fd, bytes, 0, bytes.length, position));
}

/** Both ends of a pipe: the two sides of a FIFO. */
async function pipeWith(t: Test, text: string): Promise<number> {
  const path = `${tempDir(t)}/fifo`;
  await run(t, "mkfifo", [path]);
  const end = openSync(path, constants.O_RDWR);
  writeSync(end, text);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  closeSync(end);
  return readEnd;
}

t.test(
  "a pipe and a memfd, both ways: dbus-native over UnixStream, libdbus at the other end",
  { skip: needs("dbus-daemon", "python3-dbus") },
  async (t) => {
    const path = await startBus(t);
    const before = openFds();
    const { connection, call, stream } = await connect(path);
    t.ok(connection.canPassFds, "UnixStream is the transport that it asks for");
    t.ok(connection.unixFdsAgreed, "and the daemon agreed");
    await call({ ...BUS, member: "RequestName", signature: "su", body: [NAME, 0] });

    const seen: string[] = [];
    connection.on("message", async (message: DBusMessage) => {
      if (message.type !== CALL || message.member !== "Exchange") return;
      const [pipe = -1, memory = -1] = (message.body as number[]).map((index) => message.fds?.[index] ?? -1);
      seen.push(read(pipe), read(memory), readlinkSync(`/proc/self/fd/${memory}`));
      t.ok(fstatSync(pipe).isFIFO());
      const answer = await pipeWith(t, "from JavaScript's pipe");
      writeSync(memory, "from JavaScript's memfd", 0);
      connection.message({
        type: REPLY,
        serial: 100,
        replySerial: message.serial,
        destination: message.sender,
        signature: "hh",
        body: [0, 1],
        fds: [answer, memory],
      } as DBusMessage);
      for (const fd of [answer, pipe, memory]) closeSync(fd); // written: its own copies are on their way
    });
    const peer = await run(t, "/usr/bin/python3", [fixture("dbus-peer.py"), `unix:path=${path}`, NAME]);
    t.equal(peer.stderr, "");
    t.strictSame(JSON.parse(peer.stdout || "null"), {
      pipe: "from JavaScript's pipe",
      isPipe: true,
      memfd: "from JavaScript's memfd",
      memfdIs: "/memfd:from-python (deleted)",
    });
    t.strictSame(seen, ["from Python's pipe", "from Python's memfd", "/memfd:from-python (deleted)"]);
    connection.end();
    await once(stream, "close");
    await assertNoLeak(t, before);
  },
);

t.test(
  "many calls with descriptors between two dbus-native peers: each message has its own",
  { skip: needs("dbus-daemon") },
  async (t) => {
    const path = await startBus(t);
    const before = openFds();
    const [server, client] = await Promise.all([connect(path), connect(path)]);
    await server.call({ ...BUS, member: "RequestName", signature: "su", body: [NAME, 0] });
    let serial = 1000;
    server.connection.on("message", (message: DBusMessage) => {
      if (message.type !== CALL || message.member !== "Inode") return;
      const inodes = (message.fds ?? []).map((fd) => fstatSync(fd, { bigint: true }).ino.toString());
      for (const fd of message.fds ?? []) closeSync(fd);
      const { serial: replySerial, sender: destination } = message;
      server.connection.message({
        type: REPLY,
        serial: ++serial,
        replySerial,
        destination,
        signature: "as",
        body: [inodes],
      } as DBusMessage);
    });
    const dir = tempDir(t);
    // The daemon allows 128 at a time.
    const answers = Array.from({ length: 100 }, async (_, index) => {
      const fds = Array.from({ length: index % 4 }, (_, n) => openSync(`${dir}/${index}-${n}`, "w+"));
      const inodes = fds.map((fd) => fstatSync(fd, { bigint: true }).ino.toString());
      const reply = client.call({
        destination: NAME,
        path: "/files",
        interface: NAME,
        member: "Inode",
        signature: "ah",
        body: [fds.map((_, n) => n)],
        ...(fds.length > 0 && { fds }),
      });
      for (const fd of fds) closeSync(fd);
      const { body } = await reply;
      return { sent: inodes, received: body?.[0] };
    });
    const wrong = (await Promise.all(answers)).filter(({ sent, received }) => `${sent}` !== `${received}`);
    t.strictSame(wrong.slice(0, 3), []);
    for (const { connection, stream } of [server, client]) {
      connection.end();
      await once(stream, "close");
    }
    await assertNoLeak(t, before);
  },
);
