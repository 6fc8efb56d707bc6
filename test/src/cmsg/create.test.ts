// cmsg/create: pipes, memory and counters that are made to be passed on.
import { closeSync, openSync, readFileSync, readlinkSync, readSync, writeSync } from "node:fs";
import { release } from "node:os";
import { type OwnedFd, UnixSocket } from "cmsg";
import { addSeals, eventfd, memfd, pipe, type Seal } from "cmsg/create";
import t, { type Test } from "tap";
import { denied } from "../support/denied.js";
import { nodeProgram } from "../support/node-program.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";

const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

function flagsOf({ fd }: OwnedFd): number {
  return Number.parseInt(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1").match(/^flags:\s*(\d+)/m)?.[1] ?? "", 8);
}

function assertFlags(t: Test, fds: readonly OwnedFd[], { nonBlocking }: { nonBlocking: boolean }): void {
  for (const fd of fds) {
    t.ok(flagsOf(fd) & O_CLOEXEC, "close-on-exec");
    t.equal((flagsOf(fd) & O_NONBLOCK) !== 0, nonBlocking);
  }
}

/** What is at the beginning of a file, without moving the offset that all holders share. */
function contentsOf({ fd }: OwnedFd, length: number): string {
  const bytes = Buffer.alloc(length);
  return bytes.toString("utf8", 0, readSync(fd, bytes, 0, length, 0));
}

// MFD_NOEXEC_SEAL: Linux 6.3.
function hasNoexec(): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return major > 6 || (major === 6 && minor >= 3);
}

function counted({ fd }: OwnedFd): bigint {
  const count = new BigUint64Array(1);
  readSync(fd, count);
  return count[0] as bigint;
}

t.test("pipe() carries bytes from the second end to the first", async (t) => {
  const before = openFds();
  const [read, write] = pipe();
  assertFlags(t, [read, write], { nonBlocking: false });
  const { status } = await run(t, "sh", ["-c", "echo from the child >&3"], { fds: [write.fd] });
  t.equal(status, 0);
  write.close();
  t.equal(readFileSync(read.fd, "utf8"), "from the child\n");
  read.close();
  await assertNoLeak(t, before);
});

t.test("pipe({nonBlocking}) answers EAGAIN where it would wait", async (t) => {
  const [read, write] = pipe({ nonBlocking: true });
  using _read = read;
  using _write = write;
  assertFlags(t, [read, write], { nonBlocking: true });
  t.throws(() => readSync(read.fd, Buffer.alloc(1)), { code: "EAGAIN" });
});

t.test("memfd() is a file of that size and name, which nobody can seal", async (t) => {
  const before = openFds();
  const file = memfd("state", { size: 3 });
  assertFlags(t, [file], { nonBlocking: false });
  t.match(readlinkSync(`/proc/self/fd/${file.fd}`), /^\/memfd:state/);
  t.equal(contentsOf(file, 10), "\0\0\0");
  writeSync(file.fd, "ab", 0);
  t.equal(contentsOf(file, 10), "ab\0");
  t.throws(() => addSeals(file, ["write"]), { code: "EPERM", syscall: "fcntl" });
  file.close();
  await assertNoLeak(t, before);
});

t.test("memfd() takes a size of more than 32 bits", async (t) => {
  using file = memfd("large", { size: 2 ** 33 + 1 });
  t.equal(readSync(file.fd, Buffer.alloc(2), 0, 2, 2 ** 33), 1);
});

t.test("a memfd that is sent has the contents and the seals of its sender", async (t) => {
  const [one, other] = UnixSocket.pair();
  using _one = one;
  using _other = other;
  using file = memfd("state", { seal: [] });
  writeSync(file.fd, "round 3");
  addSeals(file, ["write", "grow", "shrink", "seal"]);
  await one.send(Buffer.from("s"), [file]);
  using message = await other.receive();
  const [received] = message?.fds ?? [];
  t.equal(contentsOf(received as OwnedFd, 10), "round 3");
  t.throws(() => writeSync((received as OwnedFd).fd, "x"), { code: "EPERM" });
  t.throws(() => addSeals(file, ["future-write"]), { code: "EPERM" });
});

t.test("memfd({seal}) seals at once: each denies what it says", async (t) => {
  const denied = (seal: Seal[]): string[] => {
    using file = memfd("sealed", { size: 2, seal });
    const attempts = {
      write: () => writeSync(file.fd, "x", 0),
      grow: () => writeSync(file.fd, "x", 2),
      seal: () => addSeals(file, ["shrink"]),
    };
    return Object.entries(attempts).flatMap(([what, attempt]) => {
      try {
        attempt();
        return [];
      } catch {
        return [what];
      }
    });
  };
  t.strictSame(denied([]), []);
  t.strictSame(denied(["shrink"]), []);
  t.strictSame(denied(["grow"]), ["grow"]);
  t.strictSame(denied(["write"]), ["write", "grow"]);
  t.strictSame(denied(["future-write"]), ["write", "grow"]);
  t.strictSame(denied(["seal"]), ["seal"]);
});

t.test(
  "memfd() [the kernel knows no files that cannot be run] is the same, but executable",
  {
    skip: needs("python3"),
  },
  async (t) => {
    const program = nodeProgram("cmsg/make-memfd").flat();
    const [command, ...args] = denied("memfd_create:9=EINVAL");
    const older = await run(t, command, [...args, ...program]);
    t.match(older, { stdout: "mode 777, sealed\n", stderr: "" });
    const { stdout } = await run(t, "env", program);
    t.match(stdout, hasNoexec() ? "mode 666, sealed\n" : "mode 777, sealed\n");
  },
);

t.test("addSeals [another kind of file] is EINVAL", async (t) => {
  const number = openSync("/dev/null", "r+");
  t.throws(() => addSeals(number, ["write"]), { code: "EINVAL", message: /^fcntl EINVAL/ });
  closeSync(number);
  using file = memfd("closed");
  file.close();
  t.throws(() => addSeals(file, ["write"]), { code: "ERR_CMSG_CLOSED" });
});

t.test("eventfd() counts, and a read takes all of it", async (t) => {
  const before = openFds();
  const event = eventfd(2 ** 32 - 1);
  assertFlags(t, [event], { nonBlocking: false });
  writeSync(event.fd, new BigUint64Array([2n]));
  t.equal(counted(event), 2n ** 32n + 1n);
  event.close();
  await assertNoLeak(t, before);
});

t.test("eventfd({semaphore, nonBlocking}) gives 1 at a time, then EAGAIN", async (t) => {
  using event = eventfd(2, { semaphore: true, nonBlocking: true });
  assertFlags(t, [event], { nonBlocking: true });
  t.equal(counted(event), 1n);
  t.equal(counted(event), 1n);
  t.throws(() => counted(event), { code: "EAGAIN" });
});
