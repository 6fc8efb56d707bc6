// Sockets that a service manager opened: from the real systemd-socket-activate, and from managers that get it wrong.
import { once } from "node:events";
import { openSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { OwnedFd, UnixSocket } from "cmsg";
import { listenOn } from "cmsg/systemd";
import { native } from "cmsg-native";
import t, { type Test } from "tap";
import { nodeProgram, programFile } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { ownHost } from "../support/own-host.js";
import { fixture, repository } from "../support/paths.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

const activated = programFile("cmsg/serve-passed-sockets");
// Loopback has 16 million addresses: one of this process's own needs no free port.

function activate(t: Test, options: string[], args: string[] = []) {
  return start(t, "systemd-socket-activate", [...options, process.execPath, activated, ...args]);
}

t.test(
  "listenFds [systemd-socket-activate, three sockets with names]",
  { skip: needs("socket-activate") },
  async (t) => {
    const path = join(tempDir(t), "s");
    const listen = [
      "-l",
      `${ownHost}:8080`,
      "-l",
      path,
      "-l",
      `@activated-${process.pid}`,
      "--fdname=web:local:abstract",
    ];
    const manager = activate(t, listen);
    await manager.output(/Listening on @activated/);
    // The first connection starts the service; it waits in the queue until then.
    t.equal(await (await fetch(`http://${ownHost}:8080/first`)).text(), "served /first");
    const [, report = ""] = await manager.output(/^(\{.*\})$/m);
    t.strictSame(JSON.parse(report), {
      numbers: [
        ["web", 3],
        ["local", 4],
        ["abstract", 5],
      ],
      kinds: ["net", "UnixServer", "UnixServer"],
      again: 0,
      child: { variables: 0, fds: [0, 1, 2, 3] }, // 3: the directory it lists
    });
    for (const address of [path, { abstract: `activated-${process.pid}` }]) {
      const socket = await UnixSocket.connect(address);
      await socket.send(Buffer.from("hello"), [0, 1]);
      t.equal(String((await socket.receive())?.data), "hello with 2");
      socket.close();
    }
  },
);

t.test("listenFds [the environment is kept]", { skip: needs("socket-activate") }, async (t) => {
  const path = join(tempDir(t), "s");
  const manager = activate(t, ["-l", path], ["--keep-environment"]);
  await manager.output(/Listening on/);
  const socket = await UnixSocket.connect(path);
  const [, report = ""] = await manager.output(/^(\{.*\})$/m);
  socket.close();
  t.match(JSON.parse(report), { again: "ERR_CMSG_LISTEN_FDS", child: { variables: 2 } });
});

t.test("listenFds [started without]: an empty array", async (t) => {
  t.match(JSON.parse((await run(t, process.execPath, [activated])).stdout), { numbers: [], kinds: [] });
});

const refused: [string, Record<string, string>, RegExp][] = [
  ["a foreign LISTEN_PID", { LISTEN_PID: "1", LISTEN_FDS: "1" }, /for process 1; this is \d+.*exec/],
  ["a malformed LISTEN_PID", { LISTEN_PID: "x1", LISTEN_FDS: "1" }, /LISTEN_PID to be a whole number.*"x1"/],
  ["a malformed LISTEN_FDS", { LISTEN_PID: "own", LISTEN_FDS: "-1" }, /LISTEN_FDS to be a whole number.*"-1"/],
  [
    "a LISTEN_PIDFDID of another process with this pid",
    { LISTEN_PID: "own", LISTEN_PIDFDID: "1", LISTEN_FDS: "1" },
    /for the process whose pidfd has the number 1; this one's has \d+/,
  ],
  [
    "a malformed LISTEN_PIDFDID",
    { LISTEN_PID: "own", LISTEN_PIDFDID: "-1", LISTEN_FDS: "1" },
    /LISTEN_PIDFDID to be a whole number.*"-1"/,
  ],
  ["too few names", { LISTEN_PID: "own", LISTEN_FDS: "2", LISTEN_FDNAMES: "a" }, /2 descriptors.*1 names/],
  ["a descriptor that is not open", { LISTEN_PID: "own", LISTEN_FDS: "999999" }, /999999 descriptors.* is not open/],
];
// Before Linux 6.9 every pidfd has the same inode, and LISTEN_PIDFDID tells nothing.
function everyPidfdIsTheSame(): boolean {
  using own = new OwnedFd(native.openPidfd(process.pid));
  using other = new OwnedFd(native.openPidfd(process.ppid));
  return native.identify(own.fd).ino === native.identify(other.fd).ino;
}

for (const [what, env, message] of refused) {
  const skip =
    what.startsWith("a LISTEN_PIDFDID") && everyPidfdIsTheSame() && "pidfds have no numbers before Linux 6.9";
  t.test(`listenFds [${what}] throws ERR_CMSG_LISTEN_FDS`, { skip }, async (t) => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value === "own" ? '"$$"' : value}`);
    const line = `exec env ${variables.join(" ")} "$@"`;
    const { status, stderr } = await run(t, "sh", ["-c", line, "sh", process.execPath, activated]);
    t.equal(status, 1);
    t.match(stderr, /ERR_CMSG_LISTEN_FDS/);
    t.match(stderr, message);
  });
}

t.test("listenFds [LISTEN_PIDFDID is this process's] gives what was passed", { skip: needs("python3") }, async (t) => {
  const manager = [
    "import os, sys",
    "own = os.fstat(os.pidfd_open(os.getpid())).st_ino",
    "passed = {'LISTEN_PID': str(os.getpid()), 'LISTEN_PIDFDID': str(own), 'LISTEN_FDS': '1'}",
    "os.dup2(os.open('/dev/null', os.O_RDONLY), 3)",
    "os.set_inheritable(3, True)",
    "os.execve(sys.argv[1], sys.argv[1:], os.environ | passed)",
  ].join("\n");
  const program = 'import { listenFds } from "cmsg/systemd"; console.log(listenFds()[0].fd.fd)';
  const node = [process.execPath, "--input-type=module", "-e", program];
  const { stdout, stderr } = await run(t, "python3", ["-c", manager, ...node], { cwd: join(repository, "test") });
  t.strictSame({ stdout, stderr }, { stdout: "3\n", stderr: "" });
});

t.test("listenOn refuses what does not listen, and leaves it to the caller", async (t) => {
  const before = openFds();
  const [stream, peer] = UnixSocket.pair("stream");
  const [record, other] = UnixSocket.pair("datagram");
  const file = new OwnedFd(openSync("/dev/null", "r"));
  const server = createNetServer();
  const cases = [
    [stream.fd, /a socket that does not listen/],
    [record.fd, /a socket of another type/],
    [file, /no socket/],
  ] as const;
  for (const [fd, message] of cases) {
    await t.rejects(listenOn(server, fd), { code: "ERR_CMSG_NOT_LISTENING", message });
  }
  t.notOk(file.closed);
  t.notOk(server.listening);
  for (const each of [stream, peer, record, other, file]) each.close();
  await t.rejects(listenOn(server, file), { code: "ERR_CMSG_CLOSED" });
  await assertNoLeak(t, before);
});

t.test("listenOn takes an OwnedFd for any server of Node's", async (t) => {
  const before = openFds();
  const path = join(tempDir(t), "s");
  const listener = new OwnedFd(native.socket(1));
  native.bind(listener.fd, Buffer.from(path));
  native.listen(listener.fd, 8);
  const server = createServer();
  await listenOn(server, listener);
  t.ok(listener.closed && server.listening);
  await new Promise((closed) => server.close(closed));
  await assertNoLeak(t, before);
});

t.test("listenOn [the server listens already] rejects, and leaves the descriptor to the caller", async (t) => {
  const before = openFds();
  const listener = new OwnedFd(native.socket(1));
  native.bind(listener.fd, Buffer.from(join(tempDir(t), "s")));
  native.listen(listener.fd, 8);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  await t.rejects(listenOn(server, listener), { code: "ERR_SERVER_ALREADY_LISTEN" });
  t.notOk(listener.closed);
  listener.close();
  await new Promise((closed) => server.close(closed));
  await assertNoLeak(t, before);
});

t.test(
  "listenOn [a worker of node:cluster] throws ERR_CMSG_CLUSTER, and leaves the descriptor to the caller",
  async (t) => {
    const { status, stdout, stderr } = await run(t, ...nodeProgram("cmsg/listen-in-cluster-worker"));
    t.strictSame({ status, stderr }, { status: 0, stderr: "" });
    t.strictSame(JSON.parse(stdout), {
      code: "ERR_CMSG_CLUSTER",
      open: true,
      listening: false,
      served: "by the worker",
    });
  },
);

t.test("examples/service.mjs [started by a manager] tells what it does", { skip: needs("python3") }, async (t) => {
  const address = `@service-${process.pid}`;
  const manager = start(t, "python3", [fixture("notify-receiver.py"), address]);
  await manager.output(/^receiving$/m);
  const env = { ...process.env, NOTIFY_SOCKET: address, WATCHDOG_USEC: "50000" };
  const service = start(t, process.execPath, [join(repository, "examples/service.mjs"), "0"], { env });
  await manager.output(/"READY=1", "STATUS=1 sockets"[\s\S]*WATCHDOG=1[\s\S]*WATCHDOG=1/);
  service.kill("SIGTERM");
  manager.write("\n");
  t.match(await service.ended, { status: 0, stderr: "" });
  t.match(manager.stdout, /STOPPING=1[\s\S]*BARRIER=1/);
});

t.test(
  "examples/service.mjs [systemd-socket-activate] serves its socket",
  { skip: needs("socket-activate") },
  async (t) => {
    const program = [process.execPath, join(repository, "examples/service.mjs")];
    const manager = start(t, "systemd-socket-activate", ["-l", `${ownHost}:8081`, ...program]);
    await manager.output(/Listening on/);
    t.equal(await (await fetch(`http://${ownHost}:8081`)).text(), "Hello from a service.\n");
  },
);
