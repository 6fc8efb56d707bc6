// console-keeper, the process pair beside a launched console: what reading through it costs a client in C, and what it
// weighs at rest.
import { fileURLToPath } from "node:url";
import { atMost, built, c, js, oursAtMost } from "./peers.mjs";

const MIB = 2 ** 20;
const release = (name) => fileURLToPath(new URL(`../../native/build/Release/${name}`, import.meta.url));
const keeper = release("console-keeper");
const program = c("program", []);
const on = (argv) => ({ terminal: argv });
const flood = on((size) => [built(program), "flood", size]);
const echo = on(() => [built(program), "echo"]);
const beside = (name, path, needs = []) => ({
  ...js("beside.mjs", () => [name, path, release("console-init")]),
  needs,
});

export const keepers = [
  {
    name: "keeper-output",
    title: "Console output, raw, 256 MiB, through console-keeper to a client in C",
    size: { full: 256 * MIB, quick: 64 * MIB },
    seconds: 90,
    ours: { ...c("keeper", (size) => ["output", size, keeper]), ...flood },
    peers: { C: { ...c("console", (size) => ["output", size]), ...flood } },
    figures: [
      { name: "cpu", unit: "CPU s/GiB", from: (result) => result.cpu, targets: { C: undefined } },
      { name: "rate", unit: "MB/s", from: (result, size) => size / 1e6 / result.seconds, targets: { C: undefined } },
    ],
  },
  {
    name: "keeper-echo",
    title: "From a key to its echo, through console-keeper to a client in C",
    size: { full: 3000, quick: 1000 },
    seconds: 30,
    ours: { ...c("keeper", (size) => ["echo", size, keeper]), ...echo },
    peers: { C: { ...c("console", (size) => ["echo", size]), ...echo } },
    figures: ["p50", "p99"].map((name) => ({
      name,
      unit: "us",
      from: (result) => result[name],
      targets: { C: undefined },
    })),
  },
  {
    name: "keeper-memory",
    title: "What stands beside one console at rest",
    size: { full: 1, quick: 1 },
    seconds: 60,
    ours: beside("keeper", keeper),
    peers: {
      dtach: beside("dtach", "/usr/bin/dtach", ["/usr/bin/dtach"]),
      "console-monitor": beside("monitor", release("console-monitor")),
    },
    figures: [
      {
        name: "pss",
        unit: "KiB",
        from: (result) => result.pss,
        targets: { dtach: atMost(0.7), "console-monitor": oursAtMost(96) },
      },
    ],
  },
];
