// console-monitor by hand: who starts it without what it needs is told so. What it does is launch()'s, and tested there.
import { findBinary } from "cmsg-native";
import t from "tap";
import { fixture } from "../support/paths.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";

const monitor = findBinary("console-monitor");

for (const [what, line] of [
  ["no command", '"$0" 3</dev/null'],
  ["no socket as descriptor 3", '"$0" true 3</dev/null'],
  ["no descriptor 3", '"$0" true 3<&-'],
] as const) {
  t.test(`console-monitor [${what}] says what it expects, and ends with 125`, async (t) => {
    const { status, stdout, stderr } = await run(t, "sh", ["-c", line, monitor]);
    t.strictSame([status, stdout], [125, ""]);
    t.match(stderr, /^console-monitor: expected a command, and the library's socket as descriptor 3; [^\n]+\n$/);
  });
}

t.test(
  "console-monitor [a command that is not there] tells the library, and ends with 125",
  { skip: needs("python3") },
  async (t) => {
    // The library's side of protocol.h: kNotStarted and ENOENT.
    const { stdout, stderr } = await run(t, "python3", [fixture("monitored.py"), monitor, "/nowhere/command"]);
    t.strictSame([stdout, stderr], ["(2, 2, 0) b'' 125\n", ""]);
  },
);
