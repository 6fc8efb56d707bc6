// The pieces of an init that is itself written in Node, and where the executable is.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fstatSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import { recvFile, UnixServer, UnixSocket } from "cmsg";
import { consoleInitPath, INIT_ERROR_CODES, InitError, openPty, sendConsole } from "console-init";
import { receiveConsole } from "console-socket";
import t, { type Test } from "tap";
import { denied } from "../support/denied.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { fixture } from "../support/paths.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { Transcript } from "../support/transcript.js";
import { receiver, toTheEnd } from "./receiver.js";

const ptmx = "/dev/ptmx";

t.test("consoleInitPath()", async (t) => {
  t.ok(statSync(consoleInitPath()).mode & 0o111, "is an executable");
  t.equal(consoleInitPath({ arch: process.arch }), consoleInitPath());
  const isStatic = !readFileSync(consoleInitPath()).subarray(0, 4096).includes("/ld-");
  if (isStatic) t.equal(consoleInitPath({ libc: "musl" }), consoleInitPath(), "a static one runs with any C library");
  t.equal(consoleInitPath({ libc: "glibc" }), consoleInitPath());
  const missing = {
    code: "ERR_CMSG_NATIVE",
    message: /no console-init for linux vax with musl; tried .*linux-vax-glibc/,
  };
  t.throws(() => consoleInitPath({ arch: "vax", libc: "musl" }), missing);
});

t.test("openPty()", async (t) => {
  const before = openFds();
  const initialSize = { columns: 90, rows: 30 };
  const pty = openPty({ ptmx, initialSize, owner: getuid?.() });
  t.equal(fstatSync(pty.ptmx.fd).rdev, (5 << 8) | 2);
  t.equal((fstatSync(pty.peer.fd).rdev >> 8) & 0xfff, 136, "the major number: the minor one has bits above it too");
  pty[Symbol.dispose]();
  for (const wrong of [
    { columns: 0, rows: 1 },
    { columns: 1, rows: 65536 },
    { columns: 1.5, rows: 1 },
  ]) {
    t.throws(() => openPty({ ptmx, initialSize: wrong }), { name: "InitError", code: "ERR_INIT_INVALID_ARG" });
  }
  t.throws(() => openPty({ ptmx: "/nonexistent" }), {
    code: "ENOENT",
    errno: -2,
    syscall: "open",
    path: "/nonexistent",
    message: "open ENOENT: no such file or directory /nonexistent",
  });
  t.throws(() => openPty({ ptmx: "/dev/null" }), { code: "ERR_INIT_NOT_PTMX", message: /it is character device 1:3/ });
  t.throws(() => openPty({ ptmx, owner: -5 }), { code: "ERR_INIT_INVALID_ARG" });
  await assertNoLeak(t, before);
});

const skip = needs("unshare", "user-namespaces", "python3");

t.test("openPty() [the root file system misleads] says what lies there", { skip }, async (t) => {
  const own = "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts";
  const node = nodeProgram("init/open-pty").flat();
  const open = async (t: Test, setup: string, through: string[] = [], options = {}) => {
    const script = `set -e\ncd "$DIR"\n${setup}\nexec "$@"`;
    const command = ["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", ...through, ...node];
    const env = { ...process.env, DIR: tempDir(t) };
    const { stdout, stderr } = await run(t, "unshare", [...command, JSON.stringify(options)], { env });
    return JSON.parse(stdout || JSON.stringify({ stderr }));
  };
  const refused = async (t: Test, code: string, message: RegExp, ...how: [string, string[]?, object?]) => {
    const error = await open(t, ...how);
    t.match(error, { name: code.startsWith("ERR") ? "InitError" : "Error", code, message });
  };
  t.match(await open(t, own), { ptmx: (5 << 8) | 2, peer: 0 });
  t.match(await open(t, own, [], { owner: 77 }), { code: "EINVAL" }, "an owner that is not mapped");
  await refused(t, "ERR_INIT_NOT_DEVPTS", /file system of type 0x1021994\. Mount one/, "mount -t tmpfs t /dev/pts");
  await refused(
    t,
    "ERR_INIT_NOT_DEVPTS",
    /\/dev\/pts is a symbolic link/,
    "mount -t tmpfs t /dev; ln -s /tmp /dev/pts",
  );
  await refused(t, "ERR_INIT_NOT_DEVPTS", /\/dev\/pts is ENOENT/, "mount -t tmpfs t /dev");
  const over = `${own}\nmkfifo f; mount --bind f /dev/pts/ptmx`;
  await refused(t, "ERR_INIT_MOUNTED_OVER", /mounted over it: a FIFO/, over);
  await refused(t, "ERR_INIT_NOT_PTMX", /it is a FIFO/, `${own}\nmkfifo f; ln -s $DIR/f /tmp/../$DIR/l`, [], {
    ptmx: "f",
  });
  const second = `${own}\nmkdir d; mount -t devpts -o newinstance,ptmxmode=0666 devpts d`;
  await refused(t, "ERR_INIT_OTHER_DEVPTS", /d\/ptmx gives one of another devpts/, second, [], { ptmx: "d/ptmx" });
  const deny = denied("openat2=ENOSYS");
  await refused(t, "ERR_INIT_NO_PROC", /neither is there/, `${own}\nmount -t tmpfs t /proc`, deny);
  const closed = own.replace("0666", "000");
  const unprivileged = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
  await refused(t, "EACCES", /^open EACCES: permission denied \/dev\/pts\/ptmx$/, closed, unprivileged);
});

t.test("sendConsole() sends what recvFile() takes", async (t) => {
  const before = openFds();
  const dir = tempDir(t);
  const pty = openPty({ ptmx });
  const server = await UnixServer.listen(join(dir, "s"));
  const sent = sendConsole(join(dir, "s"), pty.ptmx);
  const socket = await server.accept();
  const file = await recvFile(socket);
  await sent;
  t.equal(file.name.toString(), "/dev/ptmx");
  t.equal(await socket.receive(), null, "and closes the connection");
  file.fd.close();
  socket.close();
  server.close();
  const [one, other] = UnixSocket.pair();
  await sendConsole(one, pty.ptmx.fd, { name: "box" });
  const second = await recvFile(other);
  t.equal(second.name.toString(), "box");
  second.fd.close();
  for (const end of [one, other]) end.close();
  await t.rejects(sendConsole({ abstract: "nobody-listens-here" }, pty.ptmx), { code: "ECONNREFUSED" });
  pty[Symbol.dispose]();
  await assertNoLeak(t, before);
});

t.test("setupConsole() makes the terminal the process's own", async (t) => {
  const server = await UnixServer.listen(join(tempDir(t), "s"));
  const script = 'tty; stty size; read -r line < /dev/tty; echo "got $line"; exit 9';
  const program = nodeProgram("init/run-on-pty", [server.path as string, "sh", "-c", script]);
  const child = spawn(...program, { detached: true, stdio: ["ignore", "inherit", "inherit"] });
  t.teardown(() => child.kill("SIGKILL"));
  const exit = once(child, "exit");
  const console = await receiveConsole(await server.accept());
  server.close();
  const transcript = new Transcript(console);
  await transcript.shows(/30 90/);
  console.write("line\n");
  t.match(await transcript.ended, /^\/dev\/pts\/\d+\r\n30 90\r\nline\r\ngot line\r\n$/);
  t.strictSame(await exit, [9, null]);
});

t.test("setupConsole() [the process leads a group] is ERR_INIT_SESSION", { skip: needs("python3") }, async (t) => {
  const to = await receiver(t, [toTheEnd]);
  const node = nodeProgram("init/run-on-pty", [to.socket, "true"]).flat();
  const leader = await run(t, "python3", [fixture("start-as.py"), "group-leader", ...node]);
  t.match(JSON.parse(leader.stdout), { name: "InitError", code: "ERR_INIT_SESSION", message: /leads a process group/ });
  const again = await receiver(t, [toTheEnd]);
  const hidden = [fixture("start-as.py"), "hidden-terminal", ...node.slice(0, -2), again.socket, "true"];
  t.match(JSON.parse((await run(t, "python3", hidden)).stdout), {
    code: "ERR_INIT_SESSION",
    message: /without a terminal/,
  });
});

t.test("InitError", async (t) => {
  const error = new InitError("ERR_INIT_FAILED", "text", { cause: 1 });
  t.match(error, { name: "InitError", code: "ERR_INIT_FAILED", message: "text", cause: 1 });
  t.ok(Object.values(INIT_ERROR_CODES).every((text) => text.endsWith(".")));
});
