// console-init in root file systems that hold next to nothing, on kernels and under seccomp profiles that lack a call.

import { chmodSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import t, { type Test } from "tap";
import { denied } from "../support/denied.js";
import { needs } from "../support/requirements.js";
import { type BoxOptions, createBox, needsBox, ownDevpts, runInBox } from "./box.js";
import { receiver, toTheEnd } from "./receiver.js";

const asNobody = getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];

async function works(t: Test, { shows = "24 80\r\n", ...options }: BoxOptions & { shows?: string } = {}) {
  const box = createBox(t);
  // The root of the box and the socket in it have to be within reach of another user.
  for (const dir of [box.dir, box.root]) chmodSync(dir, 0o777);
  const to = await receiver(t, [toTheEnd], box.socket);
  chmodSync(box.socket, 0o777);
  const output = await runInBox(t, box, options);
  t.match(output, { status: 0, stdout: "", stderr: "" });
  t.equal(await to.shown(), shows);
}

async function refused(t: Test, message: RegExp, options: BoxOptions) {
  const box = createBox(t);
  await receiver(t, [toTheEnd], box.socket);
  const output = await runInBox(t, box, options);
  t.match(output, { status: 125, stdout: "", stderr: message });
  t.match(output.stderr, /^console-init: [^\n]+; [^\n]+\n$/);
}

const readOnly = `mount --bind "$ROOT" "$ROOT"\n${ownDevpts}\nmount -o remount,bind,ro "$ROOT"`;
const withProc = `mkdir "$ROOT/proc"\nmount -t proc proc "$ROOT/proc"\n${ownDevpts}`;
const fakeProc = `mkdir -p "$ROOT/proc/self/fd"\nfor n in 3 4 5 6 7 8 9; do mkfifo "$ROOT/proc/self/fd/$n"; done\n${ownDevpts}`;

t.test("console-init works in a root that holds nothing but a static command", { skip: needsBox }, (t) => works(t));

t.test("console-init works as an ordinary user with namespaces of its own", { skip: needsBox }, (t) =>
  works(t, { around: asNobody }),
);

t.test("console-init works as root", { skip: needsBox || needs("root") }, (t) =>
  works(t, { asRoot: true, setup: ownDevpts.replace("newinstance", "newinstance,gid=5,mode=620") }),
);

t.test("console-init works in a read-only root", { skip: needsBox }, (t) => works(t, { setup: readOnly }));

t.test("console-init works with a fake /proc", { skip: needsBox }, (t) => works(t, { setup: fakeProc }));

t.test("console-init --mount-console makes the terminal /dev/console", { skip: needsBox }, async (t) => {
  const script = "read first < /dev/console; echo $first > /dev/console; tty; stat -c %t:%T /dev/pts/0 /dev/console";
  // The line comes in before the shell runs: the terminal keeps it, and echoes it first.
  const mounts = async (options: BoxOptions) => {
    const box = createBox(t);
    const to = await receiver(t, [{ write: "line\n" }, toTheEnd], box.socket);
    const command = ["/busybox", "sh", "-c", script];
    const output = await runInBox(t, box, { ...options, options: ["--mount-console"], command });
    t.match(output, { status: 0, stdout: "", stderr: "" });
    t.match(await to.shown(), /^line\r\nline\r\n\/dev\/pts\/0\r\n88:0\r\n88:0\r\n$/);
    return box;
  };
  const box = await mounts({});
  t.match(statSync(join(box.root, "dev/console")), { size: 0, mode: 0o100600 }, "an empty file was made for it");
  const readOnlyWithPlace = readOnly.replace("mount --bind", 'touch "$ROOT/dev/console"\nmount --bind');
  await mounts({ setup: readOnlyWithPlace });
  const kept = await mounts({ setup: `${ownDevpts}\necho kept > "$ROOT/dev/console"` });
  t.equal(readFileSync(join(kept.root, "dev/console"), "utf8"), "kept\n", "a file that is there is not touched");
  for (const denial of ["open_tree=ENOSYS", "open_tree=EPERM", "move_mount=ENOSYS"]) {
    await mounts({ setup: withProc, through: denied(denial) });
    const message = /expected to mount the terminal on \/dev\/console, got (Function not impl|Operation not perm)/;
    await refused(t, message, { options: ["--mount-console"], through: denied(denial) });
  }
});

t.test(
  "console-init --ptmx opens the host's terminal where /dev and /dev/pts are the host's",
  { skip: needsBox },
  (t) => works(t, { setup: 'mount --rbind /dev "$ROOT/dev"', options: ["--ptmx", "/dev/ptmx"], around: asNobody }),
);

t.test("console-init [no openat2, no TIOCGPTPEER]", { skip: needsBox }, async (t) => {
  for (const error of ["ENOSYS", "EPERM"]) {
    await works(t, { setup: withProc, through: denied(`openat2=${error}`) });
    await refused(t, /expected openat2 or a proc file system on \/proc/, { through: denied(`openat2=${error}`) });
  }
  await refused(t, /expected openat2 or a proc file system/, { setup: fakeProc, through: denied("openat2=ENOSYS") });
  for (const error of ["EINVAL", "ENOTTY", "EPERM"]) {
    await works(t, { through: denied(`ioctl:0x5441=${error}`) });
  }
  await works(t, { setup: withProc, through: denied("openat2=ENOSYS", "ioctl:0x5441=EINVAL", "close_range=ENOSYS") });
});

t.test(
  "console-init [no close_range, no /proc] dismisses what was inherited all the same",
  { skip: needsBox },
  async (t) => {
    const command = ["/busybox", "sh", "-c", "echo x >&7 || echo closed"];
    const setup = `${ownDevpts}; exec 7>"$DIR/inherited"`;
    for (const options of [[], ["--init"]]) {
      const shows = "sh: 7: Bad file descriptor\r\nclosed\r\n";
      await works(t, { setup, options, command, shows, through: denied("close_range=ENOSYS") });
    }
  },
);

t.test(
  "console-init --ptmx [no TIOCGPTPEER] is refused: the number may be another terminal's",
  { skip: needsBox },
  (t) =>
    refused(t, /expected its peer/, {
      setup: 'mount --rbind /dev "$ROOT/dev"',
      options: ["--ptmx=/dev/ptmx"],
      through: denied("ioctl:0x5441=EINVAL"),
    }),
);

t.test(
  "a command without its file in the root [console-init is PID 1] ends it with 127",
  { skip: needsBox },
  async (t) => {
    const box = createBox(t);
    const to = await receiver(t, [toTheEnd], box.socket);
    const output = await runInBox(t, box, { command: ["sh"] });
    t.match(output, {
      status: 127,
      stderr: /^console-init: expected a program, got "sh": not found in the path [^\n]*\n$/,
    });
    t.equal(await to.shown(), "");
  },
);
