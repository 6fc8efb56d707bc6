// The command line: what is refused, and that a refusal is one sentence on standard error with status 125.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { repository } from "../support/paths.js";
import { run } from "../support/processes.js";
import { consoleInit } from "./receiver.js";

const to = ["--console-socket", "/nonexistent/s"];

const refusals: [name: string, args: string[], message: RegExp][] = [
  ["no argument", [], /expected --console-socket PATH or --console-socket-fd N, got neither/],
  ["no command", to, /expected a command after the options, got none/],
  ["no command behind --", [...to, "--"], /expected a command after the options, got none/],
  ["an unknown option", ["--nonsense", "sh"], /unknown option "--nonsense"; console-init --help/],
  ["an unknown option with a value", ["--nonsense=1", "sh"], /unknown option "--nonsense";/],
  ["an unknown short option", ["-v"], /unknown option "-v"/],
  ["a prefix of an option", ["--console", "/s", "sh"], /unknown option "--console"/],
  ["a missing value", ["--size"], /--size: expected COLSxROWS after it, got the end of the arguments/],
  ["an option for a value", ["--console-socket", "--size=1x1", "sh"], /--console-socket: .* got "--size=1x1"/],
  ["-- for a value", ["--console-socket", "--", "sh"], /--console-socket: expected PATH after it, got "--"/],
  ["an empty value", ["--console-socket=", "sh"], /--console-socket: .* an empty value/],
  ["an option given twice", [...to, ...to, "sh"], /--console-socket: expected once, got it twice/],
  ["a value for --help", ["--help=yes"], /--help: expected no value, got "yes"/],
  ["both kinds of socket", [...to, "--console-socket-fd=3", "sh"], /got both/],
  ["a value for --init", ["--init=1"], /--init: expected no value, got "1"/],
  ["a name too long", [...to, `--name=${"x".repeat(4096)}`, "sh"], /--name: expected at most 4095 bytes, got 4096/],
  ["--subreaper alone", [...to, "--subreaper", "sh"], /--subreaper: expected --init with it/],
  ["--group alone", [...to, "--group", "sh"], /--group: expected --init with it/],
  [
    "one descriptor for all",
    ["--console-socket-fd=3", "--wait-fd=3", "sh"],
    /expected other descriptors for --ready-fd/,
  ],
  ["a --ready-fd that is not open", [...to, "--ready-fd=77", "sh"], /--ready-fd 77: expected an inherited descriptor/],
  ["a --wait-fd that is not open", [...to, "--wait-fd=77", "sh"], /--wait-fd 77: expected an inherited descriptor/],
  ["a terminal escape", ["--\u001b[31m"], /unknown option "--\?\[31m"/],
];
for (const size of [
  "",
  "80",
  "80x",
  "x24",
  "80x24x1",
  "80X24",
  "0x24",
  "80x0",
  "65536x1",
  "1x65536",
  "-1x1",
  " 80x24",
]) {
  const got = size === "" ? /--size: .* an empty value/ : /--size: expected COLSxROWS, each from 1 to 65535, got "/;
  refusals.push([`--size=${size}`, [...to, `--size=${size}`, "sh"], got]);
}
for (const fd of ["2", "3x", "-1", "0x3", "99999999999"]) {
  refusals.push([
    `--console-socket-fd=${fd}`,
    [`--console-socket-fd=${fd}`, "sh"],
    /--console-socket-fd: expected .* got "/,
  ]);
}

for (const option of ["ready", "wait"]) {
  refusals.push([`--${option}-fd=2`, [...to, `--${option}-fd=2`, "sh"], /-fd: expected .* other than 2, got "2"/]);
}
for (const [option, values] of Object.entries({
  owner: ["root", "-1", "4294967295", "0x1"],
  user: ["0", "0:", ":0", "root:root", "0:0:0", "4294967295:0"],
  timeout: ["0", "0.000", "-1", "1.", ".5", "1.0000", "2147483.648", "2147484", "1e3", "1s"],
  pdeathsig: ["0", "65", "SIG", "NOSUCH", "TERMINATE"],
})) {
  for (const value of values) {
    const message = new RegExp(`--${option}: expected [^;]*, got "${value}"; write for example `);
    refusals.push([`--${option}=${value}`, [...to, `--${option}=${value}`, "sh"], message]);
  }
}

t.test("console-init refuses with one sentence and status 125", async (t) => {
  for (const [name, args, message] of refusals) {
    const { status, stdout, stderr } = await run(t, consoleInit, args);
    t.match(stderr, message, name);
    t.match(stderr, /^console-init: [^\n]+; [^\n]+\n$/, `${name}: one line, which ends with what to do`);
    t.strictSame([status, stdout], [125, ""], `${name}: status`);
  }
});

t.test("console-init --help lists each option that its manual describes, and no other", async (t) => {
  const { status, stdout, stderr } = await run(t, consoleInit, ["--help"]);
  t.strictSame([status, stderr], [0, ""]);
  const manual = readFileSync(join(repository, "docs/console-init.md"), "utf8");
  const names = (text: string) => [
    ...new Set(text.match(/(?<!\S)`?--[a-z][-a-z]*/g)?.map((name) => name.replace("`", ""))),
  ];
  const table = manual.split("\n").filter((line) => line.startsWith("| `--"));
  t.strictSame(names(stdout).sort(), names(table.join("\n")).sort());
});

t.test("console-init's manual page is what its document says", async (t) => {
  const script = join(repository, "scripts/console-init-manual.mjs");
  t.match(await run(t, process.execPath, [script, "--check"]), { status: 0, stderr: "" });
  const page = readFileSync(join(repository, "packages/init/man/console-init.1"), "latin1");
  const { stdout } = await run(t, consoleInit, ["--help"]);
  for (const [, option = ""] of stdout.matchAll(/^ {2}--([a-z-]+)/gm)) {
    t.ok(page.includes(`.TP\n\\fB\\-\\-${option.replaceAll("-", "\\-")}`) || /help|version/.test(option), option);
  }
});

t.test("console-init --version says the package's version", async (t) => {
  const { version } = JSON.parse(readFileSync(join(repository, "packages/init/package.json"), "utf8"));
  t.strictSame(await run(t, consoleInit, ["--version"]), {
    status: 0,
    signal: null,
    stdout: `console-init ${version}\n`,
    stderr: "",
  });
});

t.test("console-init --help [standard output is full] exits 125", async (t) => {
  const { status } = await run(t, "sh", ["-c", 'exec "$0" --help >/dev/full', consoleInit]);
  t.equal(status, 125);
});
