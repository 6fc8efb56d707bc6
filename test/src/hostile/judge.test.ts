// The judgement of what is sent as a console, where the kernel answers less than it should: statx(2) refused by a seccomp
// profile, ioctls that gVisor and qemu-user lack, and ioctls that fail.
import { join } from "node:path";
import t, { type Test } from "tap";
import { denied } from "../support/denied.js";
import { nodeProgram } from "../support/node-program.js";
import { type PeerStep, startPeer } from "../support/peer.js";
import { type Program, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { SilentFuse } from "../support/silent-fuse.js";
import { tempDir } from "../support/temp-dir.js";

// A sanitizer does not work without /proc.
const sanitized = process.env["CMSG_NATIVE_BUILD"] !== undefined && "CMSG_NATIVE_BUILD names another build";

const [TIOCGPTN, TIOCGPKT, TIOCGETD, TIOCSWINSZ, TCSETS] = [0x80045430, 0x80045438, 0x5424, 0x5414, 0x5402];

/** Listens under the denials, or as `around` has it started. */
async function listening(t: Test, around: string[]): Promise<{ program: Program; path: string }> {
  const path = join(tempDir(t), "s");
  const [command, ...args] = [...around, ...nodeProgram("console-socket/report-deliveries", [path]).flat()];
  const program = start(t, command as string, args);
  await program.output(/^listening$/m);
  return { program, path };
}

/** The line about what `send` sent. The peer waits then, with its terminal open. */
async function verdict(t: Test, { program, path }: { program: Program; path: string }, send: PeerStep[]) {
  const lines = program.stdout.split("\n").length;
  const peer = startPeer(t, [{ connect: path }, ...send, { hold: true }, { size: true }, { hold: true }]);
  await program.output(new RegExp(`^(.*\n){${lines}}`));
  return { peer, line: program.stdout.split("\n").at(-2) as string };
}

const master: PeerStep[] = [{ send: { payload: "/dev/ptmx", fds: ["master"] } }];

for (const [what, denials] of [
  ["statx is refused, EPERM", ["statx=EPERM"]],
  ["statx is refused, ENOSYS", ["statx=ENOSYS"]],
  ["the kernel lacks TIOCGPKT and TIOCGETD, as gVisor", [`ioctl:${TIOCGPKT}=ENOTTY`, `ioctl:${TIOCGETD}=ENOTTY`]],
  ["the kernel lacks TIOCGPKT, as qemu-user", [`ioctl:${TIOCGPKT}=ENOSYS`]],
] as const) {
  t.test(`a master is a console where ${what}`, { skip: needs("python3") }, async (t) => {
    const receiver = await listening(t, denied(...denials));
    const { line, peer } = await verdict(t, receiver, master);
    t.equal(line, "console 91x17");
    peer.goOn();
    t.match(await peer.step(3), { size: [91, 17] });
    for (const kind of ["file", "slave", "null", "pipe", "socket", "opath", "directory"] as const) {
      const { line } = await verdict(t, receiver, [{ send: { fds: [kind] } }]);
      t.match(line, /^ERR_CONSOLE_NOT_A_PTY /, kind);
    }
    t.match((await verdict(t, receiver, [{ send: { fds: ["opath-ptmx"] } }])).line, /^ERR_CONSOLE_NOT_A_PTY /);
  });
}

t.test(
  "where statx is refused, a file on a silent FUSE mount blocks nothing",
  { skip: needs("fuse", "python3") },
  async (t) => {
    const fuse = await SilentFuse.mount(t);
    const receiver = await listening(t, denied("statx=EPERM"));
    const [open, silent] = [{ open: fuse.path }, { hold: true }] as const;
    const sender = startPeer(t, [open, silent, { connect: receiver.path }, { send: { fds: ["opened"] } }, silent]);
    await sender.step(0);
    await fuse.silence();
    sender.goOn();
    await receiver.program.output(/ERR_CONSOLE_NOT_A_PTY/);
    t.equal((await verdict(t, receiver, master)).line, "console 91x17");
  },
);

t.test(
  "where statx is refused and /proc does not say, the master is refused with the error of statx",
  { skip: needs("root", "unshare", "python3") || sanitized },
  async (t) => {
    const hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh"];
    const receiver = await listening(t, [...hidden, ...denied("statx=EPERM")]);
    t.match((await verdict(t, receiver, master)).line, /^EPERM statx EPERM: operation not permitted$/);
  },
);

for (const [what, denial, line] of [
  ["TIOCGPTN fails", `ioctl:${TIOCGPTN}=EIO`, /^ERR_CONSOLE_NOT_A_PTY .*does not answer as a PTY master/],
  ["TIOCGPKT is refused", `ioctl:${TIOCGPKT}=EPERM`, /^ERR_CONSOLE_NOT_A_PTY .*does not answer as a PTY master/],
  ["TIOCSWINSZ fails", `ioctl:${TIOCSWINSZ}=EIO`, /^EIO ioctl EIO: i\/o error$/],
  ["TCSETS fails", `ioctl:${TCSETS}=EIO`, /^EIO ioctl EIO: i\/o error$/],
] as const) {
  t.test(`a master is refused where ${what}`, { skip: needs("python3") }, async (t) => {
    t.match((await verdict(t, await listening(t, denied(denial)), master)).line, line);
  });
}
