// System calls that a security profile denies, one at a time: console-init says in one sentence what it needed, ends with
// 125, and whoever waits for the terminal gets none or one that has ended.
import t from "tap";
import { denied } from "../support/denied.js";
import { needs } from "../support/requirements.js";
import { receiver, startInit, toTheEnd } from "./receiver.js";

const [F_DUPFD_CLOEXEC, PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER] = [1030, 1, 4, 36];
const [TIOCSPTLCK, TIOCSWINSZ, TIOCSCTTY] = [0x40045431, 0x5414, 0x540e];

const cases: [denial: string, options: string[], message: RegExp, around?: string[]][] = [
  [
    `prctl:${PR_SET_DUMPABLE}=EPERM`,
    [],
    /expected to make this process undumpable, got Operation not permitted; see what denies prctl/,
  ],
  [`ioctl:${TIOCSPTLCK}=EACCES`, [], /expected to unlock a new terminal, got Permission denied; see what denies/],
  [`ioctl:${TIOCSWINSZ}=EACCES`, ["--size=80x24"], /--size: expected to set the window size, got Permission denied/],
  ["fchown=EACCES", ["--owner=0"], /expected .*, got Permission denied; see what denies fchown here/],
  ["socket=EACCES", [], /expected a Unix socket, got Permission denied; see what denies socket\(2\) here/],
  ["sendmsg=EPERM", [], /expected the receiver to take .* a socket that refuses descriptors; set SO_PASSRIGHTS/],
  ["sendmsg=ETOOMANYREFS", [], /expected the receiver to take .* too many descriptors in flight for this user/],
  ["sendmsg=ECONNRESET", [], /expected the receiver to take .* a closed connection; see what the receiver says/],
  ["sendmsg=EACCES", [], /expected the receiver to take the terminal, got Permission denied; check that the socket/],
  [`ioctl:${TIOCSCTTY}=EACCES`, [], /expected a session on the terminal, got Permission denied; see what denies/],
  ["setsid=EPERM", [], /expected a session on the terminal, got Operation not permitted; see what denies setsid/],
  [`prctl:${PR_SET_CHILD_SUBREAPER}=EPERM`, ["--init", "--subreaper"], /expected a child process for the command, got/],
  [`fcntl:${F_DUPFD_CLOEXEC}=EMFILE`, [], /expected a free descriptor, got .*; raise the limit of open files/],
  [
    "setgroups=EPERM",
    ["--user=1:1"],
    /--user: expected to give up the supplementary groups, got Operation not/,
    ["setpriv", "--groups=5"],
  ],
  [`prctl:${PR_SET_PDEATHSIG}=EPERM`, ["--init", "--pdeathsig=TERM"], /expected a child process for the command, got/],
  [`prctl:${PR_SET_PDEATHSIG}=EPERM`, ["--pdeathsig=TERM"], /--pdeathsig: expected to set it, got Operation not/],
];

for (const [denial, options, message, around = []] of cases) {
  const skip = needs(
    "python3",
    ...(options.some((option) => /^--(owner|user)/.test(option)) ? (["root"] as const) : []),
  );
  t.test(`${["console-init", ...options].join(" ")} [${denial}] says so, and ends with 125`, { skip }, async (t) => {
    const to = await receiver(t, [toTheEnd]);
    const through = [...around, ...denied(denial)];
    const { status, stdout, stderr } = await startInit(t, to, ["echo", "ran"], { options, through }).ended;
    t.strictSame([status, stdout], [125, ""]);
    t.match(stderr, message);
    t.match(stderr, /^console-init: [^\n]+; [^\n]+\n$/, "one sentence, which ends with what to do");
  });
}
