// OwnedFd: a descriptor is closed once, by whoever owns it.
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { OwnedFd, UnixSocket } from "cmsg";
import t from "tap";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

const open = () => openSync("/dev/null", "r+");
const isOpen = (fd: number) => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

t.test("close [twice] closes once, and not what took the number meanwhile", async (t) => {
  const owner = new OwnedFd(open());
  const number = owner.fd;
  owner.close();
  t.notOk(isOpen(number));
  const next = open();
  t.equal(next, number, "the kernel gives the lowest free number");
  owner.close();
  t.ok(isOpen(next));
  closeSync(next);
});

t.test("fd, release and dup [closed] throw ERR_CMSG_CLOSED", async (t) => {
  const owner = new OwnedFd(open());
  owner.close();
  t.ok(owner.closed);
  for (const use of [() => owner.fd, () => owner.release(), () => owner.dup()]) {
    t.throws(use, { name: "CmsgError", code: "ERR_CMSG_CLOSED" });
  }
});

t.test("release gives the number away, open", async (t) => {
  const owner = new OwnedFd(open());
  const number = owner.release();
  owner.close();
  t.ok(isOpen(number));
  closeSync(number);
});

t.test("dup is a second descriptor of the same open file description, close-on-exec", async (t) => {
  using one = new OwnedFd(openSync(`${t.testdir({ file: "abcdef" })}/file`, "r"));
  using other = one.dup();
  t.not(one.fd, other.fd);
  const bytes = Buffer.alloc(3);
  readSync(one.fd, bytes, 0, 3, null);
  readSync(other.fd, bytes, 0, 3, null);
  t.equal(bytes.toString(), "def", "they share the offset");
  const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${other.fd}`, "utf8"))?.[1];
  t.ok(Number.parseInt(flags ?? "0", 8) & 0o2000000, "O_CLOEXEC");
});

t.test("using closes it at the end of the block, also when it throws", async (t) => {
  const before = openFds();
  t.throws(() => {
    using owner = new OwnedFd(open());
    writeSync(owner.fd, "x");
    throw new Error("on the way");
  }, /on the way/);
  await assertNoLeak(t, before);
});

t.test("constructor [not a descriptor's number] throws ERR_CMSG_INVALID_ARG", async (t) => {
  for (const wrong of [-1, 1.5, Number.NaN, 2 ** 31, "3", undefined]) {
    t.throws(() => new OwnedFd(wrong as number), { code: "ERR_CMSG_INVALID_ARG" });
  }
});

t.test("close [a number that is not open] throws EBADF", async (t) => {
  const number = open();
  const owner = new OwnedFd(number);
  closeSync(number);
  t.throws(() => owner.close(), { code: "EBADF", syscall: "close" });
});

t.test("constructor [a number that is not open, 2147483647 too] throws EBADF at once", async (t) => {
  const before = process.memoryUsage().rss;
  const closed = open();
  closeSync(closed);
  for (const number of [closed, 1_000_000, 2 ** 31 - 1]) {
    t.throws(() => new OwnedFd(number), { code: "EBADF", syscall: "fcntl" });
    t.throws(() => UnixSocket.fromFd(number), { code: "EBADF" });
  }
  t.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024, "no memory for each number below");
});

t.test("close [standard input, output and error] leaves /dev/null in their place", async (t) => {
  const report = join(tempDir(t), "report");
  const { status } = await run(t, ...nodeProgram("cmsg/close-standard-descriptors", [report]));
  t.equal(status, 0);
  t.strictSame(JSON.parse(readFileSync(report, "utf8")), {
    links: ["/dev/null", "/dev/null", "/dev/null"],
    inherited: ["/dev/null", "/dev/null", "/dev/null"],
    next: true,
    left: 0,
  });
});
