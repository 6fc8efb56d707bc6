// Root file systems made to mislead whoever opens a terminal in them. Each is refused with a sentence, and strace bears
// witness that nothing was opened on the way but O_PATH handles, which have no effect on a FIFO or a device.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { denied } from "../support/denied.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";
import { type BoxOptions, createBox, needsBox, ownDevpts, runInBox } from "./box.js";
import { receiver, toTheEnd } from "./receiver.js";

const skip = needsBox || needs("strace");
const traced =
  "execve,open,openat,openat2,creat,mknod,mknodat,mkdir,mkdirat,symlinkat,connect,sendmsg,ioctl,fchown,mount,open_tree,move_mount";

/** What console-init did that has an effect, successfully. */
function effects(log: string): string[] {
  const lines = readFileSync(log, "utf8").split("\n");
  const begin = lines.findIndex((line) => line.includes('execve("/console-init"'));
  if (begin === -1) throw new Error("console-init was not started");
  return lines
    .slice(begin + 1)
    .filter((line) => /^\d+ +\w+\(/.test(line) && !/ = -1 E|O_PATH/.test(line))
    .map((line) => line.replace(/^\d+ +/, ""));
}

const strace = (log: string) => ["strace", "-f", "--seccomp-bpf", "-o", log, "-e", traced];

interface Attack extends BoxOptions {
  setup: string;
  message: RegExp;
  /** What has to be opened or asked before it can be told. Default: nothing. */
  allow?: RegExp;
}

async function refuses(t: Test, { message, allow, ...options }: Attack) {
  const box = createBox(t);
  const log = join(tempDir(t), "log");
  const { peer } = await receiver(t, [toTheEnd], box.socket);
  const { status, stderr } = await runInBox(t, box, { ...options, around: strace(log) });
  t.equal(status, 125);
  t.match(stderr, message);
  t.match(stderr, /^console-init: [^\n]+; [^\n]+\n$/, "one sentence, which ends with what to do");
  const left = effects(log).filter((call) => !allow?.test(call));
  t.strictSame(left, [], "nothing was opened, created or sent");
  t.strictSame(peer.reports, [{ step: "listen" }], "nobody has connected");
}

t.test("the witness sees each effect in a root that is in order", { skip }, async (t) => {
  const box = createBox(t);
  const log = join(tempDir(t), "log");
  await receiver(t, [toTheEnd], box.socket);
  t.match(await runInBox(t, box, { around: strace(log) }), { status: 0 });
  t.match(effects(log).slice(0, 7), [
    /^openat2\(.*"ptmx"/,
    /^ioctl\(.*TIOCSPTLCK/,
    /^ioctl\(.*TIOCGPTN/,
    /^ioctl\(.*TIOCGPTPEER/,
    /^ioctl\(.*TIOCSWINSZ/,
    /^connect\(/,
    /^sendmsg\(/,
  ]);
});

const pts = '"$ROOT/dev/pts"';
const ptmx = '"$ROOT/dev/pts/ptmx"';

t.test("console-init [/dev/pts is no devpts] refuses it, whatever its ptmx is", { skip }, async (t) => {
  const message = /"\/dev\/pts": expected a devpts, got a file system of type 0x\w+; mount one: /;
  const attacks: Record<string, string> = {
    nothing: "",
    "a symbolic link": `ln -s /target ${ptmx}; mkfifo "$ROOT/target"`,
    "a regular file": `echo x > ${ptmx}`,
    "a FIFO": `mkfifo ${ptmx}`,
    "the host's multiplexer": `touch ${ptmx}; mount --bind /dev/ptmx ${ptmx}`,
    "another device": `touch ${ptmx}; mount --bind /dev/null ${ptmx}`,
    "the ptmx of a devpts elsewhere": `mkdir "$DIR/other"; mount -t devpts -o newinstance,ptmxmode=0666 devpts "$DIR/other"
      touch ${ptmx}; mount --bind "$DIR/other/ptmx" ${ptmx}`,
  };
  for (const [name, setup] of Object.entries(attacks)) {
    await t.test(name, (t) => refuses(t, { setup, message }));
    await t.test(`${name}, on a tmpfs`, (t) => refuses(t, { setup: `mount -t tmpfs tmpfs ${pts}\n${setup}`, message }));
  }
});

t.test("console-init [something is mounted over the devpts' ptmx] refuses it", { skip }, async (t) => {
  const other = `mkdir "$DIR/other"; mount -t devpts -o newinstance,ptmxmode=0666 devpts "$DIR/other"`;
  const attacks: Record<string, [setup: string, seen: string]> = {
    "a regular file": [`touch "$DIR/cover"; cover="$DIR/cover"`, "a regular file"],
    "a FIFO": [`mkfifo "$DIR/cover"; cover="$DIR/cover"`, "a FIFO"],
    "another device": ["cover=/dev/null", "character device 1:3"],
    "the host's multiplexer": ["cover=/dev/ptmx", "character device 5:2"],
    "another devpts' ptmx": [`${other}; cover="$DIR/other/ptmx"`, "character device 5:2"],
    "a terminal of another devpts": [
      `${other}; exec 9<>"$DIR/other/ptmx"; cover="$DIR/other/0"`,
      "character device 136:0",
    ],
  };
  const proc = `mkdir "$ROOT/proc"; mount -t proc proc "$ROOT/proc"`;
  for (const [name, [make, seen]] of Object.entries(attacks)) {
    const message = new RegExp(
      `"/dev/pts/ptmx": expected the devpts' own device, got something mounted over it: ${seen};`,
    );
    const setup = `${ownDevpts}\n${make}\nmount --bind "$cover" ${ptmx}`;
    await t.test(name, (t) => refuses(t, { setup, message }));
    const through = denied("openat2=ENOSYS");
    await t.test(`${name}, without openat2`, (t) => refuses(t, { setup: `${setup}\n${proc}`, message, through }));
  }
});

t.test("console-init [/dev or /dev/pts is not a directory] refuses it", { skip }, async (t) => {
  const devpts = (dir: string) => `mkdir -p "${dir}"; ${ownDevpts.replace(pts, `"${dir}"`)}`;
  const attacks: Record<string, [setup: string, path: string, seen: string]> = {
    "/dev links to another directory": [
      `${devpts("$ROOT/elsewhere/pts")}; rm -r "$ROOT/dev"; ln -s elsewhere "$ROOT/dev"`,
      "/dev",
      "a symbolic link",
    ],
    "/dev/pts links to another devpts": [
      `${devpts("$ROOT/elsewhere")}; rmdir ${pts}; ln -s /elsewhere ${pts}`,
      "/dev/pts",
      "a symbolic link",
    ],
    "/dev/pts is a FIFO": [`rmdir ${pts}; mkfifo ${pts}`, "/dev/pts", "a FIFO"],
    "/dev/pts is a device": [
      `rmdir ${pts}; touch ${pts}; mount --bind /dev/null ${pts}`,
      "/dev/pts",
      "character device 1:3",
    ],
    "/dev/pts is missing": [`rmdir ${pts}`, "/dev/pts", "No such file or directory"],
    "/dev is missing": [`rm -r "$ROOT/dev"`, "/dev", "No such file or directory"],
  };
  for (const [name, [setup, path, seen]] of Object.entries(attacks)) {
    await t.test(name, (t) =>
      refuses(t, {
        setup,
        message: new RegExp(`"${path}": expected a directory, got ${seen}; make it a directory and`),
      }),
    );
  }
});

t.test("console-init [the devpts' ptmx may not be opened] says what else there is", { skip }, async (t) => {
  await refuses(t, {
    setup: ownDevpts.replace("ptmxmode=0666", "ptmxmode=000"),
    // Root of a user namespace passes over the mode, but not without its capabilities; chroot needs one of them.
    through: ["setpriv", "--bounding-set=-all,+sys_chroot", "--inh-caps=-all"],
    message: /"\/dev\/pts\/ptmx": expected to open .* Permission denied \(ptmxmode=000\); .* --ptmx \/dev\/ptmx/,
  });
});

t.test("console-init --ptmx [the path is not the multiplexer of /dev/pts] refuses it", { skip }, async (t) => {
  const options = ["--ptmx", "/given"];
  const wrong = '"/given": expected the terminal multiplexer, character device 5:2, got ';
  const attacks: Record<string, [make: string, seen: string]> = {
    "a FIFO": ['mkfifo "$ROOT/given"', "a FIFO"],
    "a link to a FIFO": ['mkfifo "$ROOT/target"; ln -s target "$ROOT/given"', "a FIFO"],
    "a regular file": ['touch "$ROOT/given"', "a regular file"],
    "another device": ['touch "$ROOT/given"; mount --bind /dev/null "$ROOT/given"', "character device 1:3"],
  };
  for (const [name, [make, seen]] of Object.entries(attacks)) {
    await t.test(name, (t) =>
      refuses(t, { setup: `${ownDevpts}\n${make}`, options, message: new RegExp(`${wrong}${seen};`) }),
    );
  }
  await t.test("nothing", (t) => refuses(t, { setup: ownDevpts, options, message: /"\/given": .* No such file/ }));
  await t.test("another devpts' ptmx", (t) =>
    refuses(t, {
      setup: `${ownDevpts}\nmkdir "$ROOT/other"; mount -t devpts -o newinstance,ptmxmode=0666 devpts "$ROOT/other"`,
      options: ["--ptmx=/other/ptmx"],
      message: /"\/other\/ptmx": expected a terminal of the devpts on \/dev\/pts, got one of another devpts;/,
      allow: /^open(at)?\(.*"\/other\/ptmx"|^ioctl\(\d+, (TIOCSPTLCK|TIOCGPTN|TIOCGPTPEER)/,
    }),
  );
  await t.test("/dev/pts is no devpts either", (t) =>
    refuses(t, { setup: "", options: ["--ptmx=/dev/ptmx"], message: /"\/dev\/pts": expected a devpts/ }),
  );
});

/** The calls that opening a terminal makes when nothing is wrong with it. */
const terminalOpened = /^openat2\(.*"ptmx"|^ioctl\(\d+, (TIOCSPTLCK|TIOCGPTN|TIOCGPTPEER|TIOCSWINSZ)/;

t.test("console-init --mount-console [/dev/console is a trap] refuses it", { skip }, async (t) => {
  const place = '"$ROOT/dev/console"';
  const attacks: Record<string, [make: string, seen: string]> = {
    "a link to a host file": [`echo kept > "$DIR/host"; ln -s "$DIR/host" ${place}`, "a symbolic link"],
    "a link to nothing": [`ln -s /made ${place}`, "a symbolic link"],
    "a link to a device": [`ln -s pts/ptmx ${place}`, "a symbolic link"],
    "a directory": [`mkdir ${place}`, "a directory"],
    "a FIFO": [`mkfifo ${place}`, "a FIFO"],
    "the host's terminal multiplexer": [`touch ${place}; mount --bind /dev/ptmx ${place}`, "character device 5:2"],
    "a device": [`touch ${place}; mount --bind /dev/null ${place}`, "character device 1:3"],
    "a socket": [
      `python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' ${place}`,
      "a socket",
    ],
  };
  for (const [name, [make, seen]] of Object.entries(attacks)) {
    await t.test(name, (t) =>
      refuses(t, {
        setup: `${ownDevpts}\n${make}`,
        options: ["--mount-console"],
        message: new RegExp(`"/dev/console": expected nothing or a regular file to mount on, got ${seen}; remove it`),
        allow: terminalOpened,
      }),
    );
  }
  const readOnly = `mount --bind "$ROOT" "$ROOT"\n${ownDevpts}\nmount -o remount,bind,ro "$ROOT"`;
  await t.test("nothing, in a read-only root", (t) =>
    refuses(t, {
      setup: readOnly,
      options: ["--mount-console"],
      message: /expected to create \/dev\/console, got Read-only file system; put an empty file there/,
      allow: terminalOpened,
    }),
  );
  await t.test("no right to mount", (t) =>
    refuses(t, {
      setup: `${ownDevpts}\ntouch ${place}`,
      options: ["--mount-console"],
      through: ["setpriv", "--bounding-set=-all,+sys_chroot", "--inh-caps=-all"],
      message: /expected to mount the terminal on \/dev\/console, got Operation not permitted; it takes CAP_SYS_ADMIN/,
      allow: terminalOpened,
    }),
  );
});
