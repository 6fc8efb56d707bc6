// Consoles: output, typing, many at rest, ends, and a hostile sender. The program on the terminal is program.c in all of
// them; the terminal is opened by the harness, and its ptmx is descriptor 3 of what is measured.
import { atLeast, atMost, built, c, go, js, oursAtMost, python } from "./peers.mjs";

const MIB = 2 ** 20;
const program = c("program", []);
const kind = (name, kind) =>
  js("console.mjs", (size) => [name, kind, size, built(program)], kind === "node-pty" ? ["node-pty"] : []);
const on = (argv) => ({ terminal: argv }); // what runs on the terminal
const flood = on((size) => [built(program), "flood", size]);
const lines = on((size) => [built(program), "lines", size]);
const echo = on(() => [built(program), "echo"]);
const sink = on((size) => [built(program), "sink", size]);
const nodePty = (name) => kind(name, "node-pty"); // starts the program itself
const rate = (targets) => ({
  name: "rate",
  unit: "MB/s",
  from: (result, size) => size / 1e6 / result.seconds,
  targets,
});
const cpu = (targets) => ({ name: "cpu", unit: "CPU s/GiB", from: (result) => result.cpu, targets });
const figure = (name, unit, targets, rest) => ({ name, unit, from: (result) => result[name], targets, ...rest });
const all = (peers, target) => Object.fromEntries(peers.map((peer) => [peer, target]));

const idle = (size, seconds, pairs) => ({
  name: `idle-${size}`,
  title: `${size} idle consoles`,
  size: { full: size, quick: size },
  seconds,
  pairs,
  ours: kind("idle", "console-socket"),
  peers: { "node-pty": nodePty("idle"), "tty.ReadStream": kind("idle", "tty.ReadStream") },
  figures: [
    figure("memory", "KiB each", all(["node-pty", "tty.ReadStream"], oursAtMost(5))),
    figure("threads", "threads", all(["node-pty", "tty.ReadStream"], oursAtMost(0))),
    // 0, but for the timer of the measurement itself.
    figure("cpu", "CPU ms in a second", all(["node-pty", "tty.ReadStream"], oursAtMost(1))),
  ],
});

export const consoles = [
  {
    name: "output",
    title: "Console output, raw, 256 MiB",
    size: { full: 256 * MIB, quick: 128 * MIB },
    seconds: 200,
    ours: { ...kind("output", "console-socket"), ...flood },
    peers: {
      "node-pty": nodePty("output"),
      "tty.ReadStream": { ...kind("output", "tty.ReadStream"), ...flood },
      C: { ...c("console", (size) => ["output", size]), ...flood },
      Go: { ...go("output", (size) => [size]), ...flood },
      Python: { ...python("console", (size) => ["output", size]), ...flood },
    },
    figures: [
      cpu({ "node-pty": atMost(0.7), C: atMost(1.1) }),
      rate(all(["node-pty", "tty.ReadStream", "C", "Go", "Python"], atLeast(0.95))),
    ],
  },
  {
    name: "lines",
    title: "Console output, lines that the terminal ends with CR LF, 64 MiB",
    size: { full: 64 * MIB, quick: 32 * MIB },
    seconds: 120,
    ours: { ...kind("output", "console-socket"), ...lines },
    peers: {
      "tty.ReadStream": { ...kind("output", "tty.ReadStream"), ...lines },
      C: { ...c("console", (size) => ["output", size]), ...lines },
      // What letting output gather could save.
      "C, 1 ms late": { ...c("console", (size) => ["output", size, 1000]), ...lines },
    },
    figures: [
      cpu({ "tty.ReadStream": undefined, C: undefined, "C, 1 ms late": undefined }),
      rate({ "tty.ReadStream": undefined, C: undefined, "C, 1 ms late": undefined }),
    ],
  },
  {
    name: "busy",
    title: "Console output while the event loop is busy 1 ms in each turn",
    size: { full: 16 * MIB, quick: 4 * MIB }, // a rate: with 256 MiB node-pty alone would take half an hour
    seconds: 180,
    ours: { ...kind("busy", "console-socket"), ...flood },
    peers: { "node-pty": nodePty("busy"), "tty.ReadStream": { ...kind("busy", "tty.ReadStream"), ...flood } },
    figures: [rate(all(["node-pty", "tty.ReadStream"], atLeast(8)))],
  },
  {
    name: "echo",
    title: "From a key to its echo",
    size: { full: 3000, quick: 1000 },
    seconds: 40,
    ours: { ...kind("echo", "console-socket"), ...echo },
    peers: { C: { ...c("console", (size) => ["echo", size]), ...echo }, "node-pty": nodePty("echo") },
    figures: ["p50", "p99"].map((name) => figure(name, "us", { C: atMost(1.6), "node-pty": atMost(0.5) })),
  },
  {
    name: "paste",
    title: "A paste of 16 MiB",
    size: { full: 16 * MIB, quick: 4 * MIB },
    seconds: 40,
    ours: { ...kind("paste", "console-socket"), ...sink },
    peers: {
      "node-pty": nodePty("paste"),
      C: { ...c("console", (size) => ["paste", size]), ...sink },
      "C that spins": { ...c("console", (size) => ["paste", size, "spin"]), ...sink },
    },
    figures: [
      rate({ "node-pty": atLeast(1.8), C: undefined, "C that spins": undefined }),
      cpu({ "node-pty": atMost(1 / 3), C: undefined, "C that spins": undefined }),
    ],
  },
  idle(500, 150),
  idle(4000, 150, 3),
  {
    name: "lost",
    title: "Lost tails of 200 programs that write 64 KiB and exit",
    size: { full: 200, quick: 50 },
    seconds: 120,
    ours: kind("lost", "console-socket"),
    peers: {
      "node-pty": nodePty("lost"),
      "tty.ReadStream": kind("lost", "tty.ReadStream"),
      Python: python("console", (size) => ["lost", size, built(program), "burst", 65536]),
    },
    figures: [
      figure("lost", "programs", all(["node-pty", "tty.ReadStream", "Python"], oursAtMost(0)), { worst: true }),
    ],
  },
  {
    name: "stall",
    title: "Longest stall of the event loop while a sender clears O_NONBLOCK and steals",
    size: { full: 2, quick: 1 },
    seconds: 90,
    ours: kind("stall", "console-socket"),
    peers: {
      "node-pty": { refused: "it takes no descriptor of another's, and so no console of a runtime" },
      "tty.ReadStream": kind("stall", "tty.ReadStream"),
    },
    needs: ["python3"],
    figures: [figure("stall", "ms", all(["node-pty", "tty.ReadStream"], oursAtMost(100)), { worst: true })],
  },
  {
    name: "typist",
    title: "A typist's slowest echo beside a flood",
    size: { full: 100, quick: 50 },
    seconds: 70,
    ours: { ...kind("typist", "console-socket"), ...echo },
    peers: { "node-pty": nodePty("typist") },
    figures: [figure("worst", "ms", { "node-pty": oursAtMost(50) }, { worst: true })],
  },
];
