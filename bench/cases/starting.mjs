// How fast something is there: the command, the first byte of a container, and what console-init starts.
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atMost, built, c, go, js, oursAtMost, python } from "./peers.mjs";

const root = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const consoleInit = root("native/build/Release/console-init");
const socket = () => join(tmpdir(), `bench-start-${process.pid}`);
const figure = (name, unit, targets) => ({ name, unit, from: (result) => result[name], targets });

const receiver = (program, argv) => ({
  ...js("first-byte.mjs", () => [{ bundle: true }, ...argv]),
  needs: program.needs,
});
const goReceiver = go("receiver", []);

const execTime = c("exec-time", []);
const init = (argv) => js("init.mjs", (size) => [built(execTime), size, ...argv]);
const tool = (name, ...argv) => ({ ...init([`/usr/bin/${name}`, ...argv]), needs: [`/usr/bin/${name}`] });
const ours = [consoleInit, "--ptmx", "/dev/ptmx", "--console-socket", "SOCKET", "--init", "--"];

/** A function, since it looks at what was built. */
function initSize() {
  return oursAtMost(readFileSync(consoleInit).includes("GNU C Library") ? 1024 : 64);
}

export const starting = [
  {
    name: "command",
    title: "console-socket, from exec to listening",
    size: { full: 1, quick: 1 },
    seconds: 20,
    ours: c("start", () => [
      "listen",
      socket(),
      process.execPath,
      root("packages/console-socket/dist/bin/console-socket.cjs"),
      socket(),
    ]),
    peers: {
      "node -e 0": c("start", () => ["exit", process.execPath, "-e", "0"]),
      Go: { ...c("start", () => ["listen", socket(), built(goReceiver), socket()]), needs: ["gcc", "go"] },
    },
    figures: [
      figure("ms", "ms", { "node -e 0": atMost(1.25), Go: undefined }),
      figure("memory", "KiB resident", { "node -e 0": atMost(1.25), Go: undefined }),
    ],
  },
  {
    name: "first-byte",
    title: "runc run -d to the first byte at the receiver",
    size: { full: 1, quick: 1 },
    seconds: 40,
    needs: ["root", "runc", "/bin/busybox"],
    ours: receiver({ needs: [] }, [process.execPath, root("bench/peers/js/receiver.mjs")]),
    peers: {
      Go: receiver(goReceiver, [built(goReceiver)]),
      Python: receiver(python("receiver", []), ["python3", root("bench/peers/python/receiver.py")]),
    },
    // runc's own time is nearly all of it: within 5 % is not behind.
    figures: [figure("ms", "ms", { Go: atMost(1.05), Python: atMost(1.05) })],
  },
  ...[0, 300].map((mebibytes) => ({
    name: `start-${mebibytes}`,
    title: `100 processes started at once, ${mebibytes} MiB in use`,
    size: { full: 100, quick: 100 },
    seconds: 10,
    ours: js("start.mjs", (count) => ["ours", count, mebibytes]),
    peers: { "child_process.spawn": js("start.mjs", (count) => ["spawn", count, mebibytes]) },
    figures: [
      figure("calls", "ms in the calls", { "child_process.spawn": atMost(0.1) }),
      figure("all", "ms until all have ended", { "child_process.spawn": atMost(1) }),
    ],
  })),
  {
    name: "init",
    title: "console-init, with a console, as PID 1",
    size: { full: 100, quick: 30 },
    seconds: 40,
    needs: ["gcc", "unshare"],
    ours: init(ours),
    peers: { tini: tool("tini", "-s", "--"), "dumb-init": tool("dumb-init", "--"), catatonit: tool("catatonit", "--") },
    figures: [
      figure("time", "us to the command", { tini: atMost(2), "dumb-init": atMost(2), catatonit: atMost(2) }),
      figure("size", "KiB", { tini: initSize, "dumb-init": initSize, catatonit: initSize }),
      figure("memory", "KiB resident", { tini: atMost(1), "dumb-init": atMost(1), catatonit: atMost(1) }),
    ],
  },
];
