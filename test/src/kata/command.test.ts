// `console-socket attach`: a shell behind a hypervisor's socket, from a command line.
import { spawn } from "node:child_process";
import { join } from "node:path";
import t from "tap";
import { hybridFront, OK } from "../support/hybrid-front.js";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run, start } from "../support/processes.js";

const [node, ...nodeArgs] = plainNode as unknown as [string, ...string[]];
const command = [...nodeArgs, join(repository, "packages/console-socket/dist/cli/main.js"), "attach"];

t.test("attach shows what the debug console says and types what it is given", async (t) => {
  const front = await hybridFront(t, (socket) => {
    socket.write(OK);
    const shell = spawn("sh", ["-s"], { stdio: ["pipe", "pipe", "ignore"] });
    socket.pipe(shell.stdin);
    shell.stdout.pipe(socket);
  });
  const program = start(t, node, [...command, `hvsock://${front.path}:1024`]);
  program.child.stdin?.write("echo hello; exit\n");
  const { status, stdout, stderr } = await program.ended;
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: "hello\n", stderr: "" });
  t.equal(front.requests[0]?.line, "CONNECT 1026\n");
});

t.test("attach --port --json asks for that port, and tells what happens", async (t) => {
  const front = await hybridFront(t, (socket) => socket.end(`${OK}bye\n`));
  const { status, stdout, stderr } = await run(t, node, [
    ...command,
    ...["--port", "5", "--json", `hvsock://${front.path}:1024`],
  ]);
  t.strictSame({ status, stdout }, { status: 0, stdout: "bye\n" });
  t.equal(front.requests[0]?.line, "CONNECT 5\n");
  const events = stderr.trim().split("\n");
  t.strictSame(events, [
    JSON.stringify({ event: "console", name: `hvsock://${front.path}:5` }),
    JSON.stringify({ event: "ended" }),
  ]);
});

t.test("attach [nobody there, a bad address, a bad command line] is one line and status 125", async (t) => {
  const lines: [string[], RegExp][] = [
    [["--timeout", "0.1", "/nowhere/s"], /Expected somebody at unix:\/\/\/nowhere\/s within 0\.1 s/],
    [["vsock://x:1"], /Invalid vsock cid:/],
    [["sandbox:no-such-sandbox"], /Expected a running sandbox no-such-sandbox/],
    [[], /address of an agent, or sandbox:ID, is missing\. Try --help\./],
    [["/a", "/b"], /one address is expected/],
    [["--port", "x", "/a"], /--port is a number/],
    [["--detach-keys", "nonsense", "/a"], /Expected keys such as/],
  ];
  for (const [args, message] of lines) {
    const { status, stdout, stderr } = await run(t, node, [...command, ...args]);
    t.strictSame({ status, stdout }, { status: 125, stdout: "" }, args.join(" "));
    t.match(stderr, message);
    t.equal(stderr.trim().split("\n").length, 1);
  }
});
