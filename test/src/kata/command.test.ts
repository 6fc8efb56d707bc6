// `console-socket kata`: a shell behind a hypervisor's socket, from a command line.
import { spawn } from "node:child_process";
import { connectAgent } from "console-socket/kata";
import t from "tap";
import { startGoAgent } from "../support/go-agent.js";
import { hybridFront, OK } from "../support/hybrid-front.js";
import { consoleSocketCommand } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";

const [node, ...nodeArgs] = plainNode as unknown as [string, ...string[]];
const command = [...nodeArgs, consoleSocketCommand, "kata"];

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

for (const protocol of ["grpc", "yamux", "ttrpc"] as const) {
  t.test(
    `kata --container [${protocol}] is that process's terminal, and ends with its status`,
    {
      skip: needs("kata-go"),
    },
    async (t) => {
      const agent = await startGoAgent(t, protocol);
      const options = { protocol: protocol === "ttrpc" ? "ttrpc" : "grpc", yamux: protocol === "yamux" } as const;
      const client = await connectAgent(agent.path, options);
      t.teardown(() => client.close());
      const args = ["sh", "-c", "read line; echo got $line; exit 7"];
      const oci = { process: { terminal: true, args, env: [`PATH=${process.env["PATH"]}`], cwd: "/" } };
      await client.agent.createContainer({ containerId: "box", execId: "box", oci });
      await client.agent.startContainer({ containerId: "box" });
      const switches = protocol === "yamux" ? ["--yamux"] : [];
      const program = start(t, node, [
        ...command,
        ...["--container", "box", "--protocol", options.protocol, ...switches, agent.path],
      ]);
      program.child.stdin?.write("hello\n");
      const { status, stdout, stderr } = await program.ended;
      t.match(stdout, /^got hello\r$/m);
      t.strictSame({ status, stderr }, { status: 7, stderr: "" });
    },
  );
}

t.test(
  "kata --exec is another process's terminal; the detach keys leave it running",
  { skip: needs("kata-go") },
  async (t) => {
    const agent = await startGoAgent(t, "grpc");
    const client = await connectAgent(agent.path, { protocol: "grpc" });
    t.teardown(() => client.close());
    const started = (script: string) => ({
      ...{ terminal: true, args: ["sh", "-c", script] },
      ...{ env: [`PATH=${process.env["PATH"]}`], cwd: "/" },
    });
    const oci = { process: started("read line; exit 1") };
    await client.agent.createContainer({ containerId: "box", execId: "box", oci });
    await client.agent.startContainer({ containerId: "box" });
    const second = started("echo ready; read line; exit 7");
    await client.agent.execProcess({ containerId: "box", execId: "two", process: second });
    const args = [...command, "--container", "box", "--exec", "two", "--protocol", "grpc", agent.path];

    const first = start(t, node, args);
    await first.output(/ready/);
    first.child.stdin?.write("\x10\x11");
    t.match(await first.ended, { status: 0, stderr: "" }, "detached");

    const next = start(t, node, args);
    next.child.stdin?.write("hello\n");
    t.match(await next.ended, { status: 7, stderr: "" }, "it was still there");
  },
);

t.test("attach [nobody there, a bad address, a bad command line] is one line and status 125", async (t) => {
  const lines: [string[], RegExp][] = [
    [["--timeout", "0.1", "/nowhere/s"], /Expected somebody at unix:\/\/\/nowhere\/s within 0\.1 s/],
    [["vsock://x:1"], /Invalid vsock cid:/],
    [["sandbox:no-such-sandbox"], /Expected a running sandbox no-such-sandbox/],
    [[], /address of an agent, or sandbox:ID, is missing\. Try --help\./],
    [["/a", "/b"], /one address is expected/],
    [["--exec", "x", "/a"], /--exec is about a container/],
    [["--container", "x", "--port", "1", "/a"], /--port is the debug console's/],
    [["--container", "x", "--protocol", "soap", "/a"], /--protocol is grpc or ttrpc/],
    [["--container", "x", "--yamux", "/a"], /--yamux is for --protocol grpc/],
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
