// The agent's client and its consoles against Go's own gRPC, yamux and ttRPC, over a Unix socket and through a hypervisor's
// socket that cuts what it passes on into pieces, or glues it together.
import { once } from "node:events";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Asciicast, asPty, attach, ConsoleLog } from "console-socket";
import { type AgentClient, type AgentConsole, connectAgent, openAgentConsole } from "console-socket/kata";
import t, { type Test } from "tap";
import { agentFront, type Pieces } from "../support/agent-front.js";
import { type AgentProtocol, type GoAgent, startGoAgent } from "../support/go-agent.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { repository } from "../support/paths.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { Transcript } from "../support/transcript.js";

const skip = needs("kata-go");

type Way = "unix" | Pieces;

async function connect(
  t: Test,
  protocol: AgentProtocol,
  way: Way = "unix",
): Promise<{ agent: GoAgent; client: AgentClient }> {
  const agent = await startGoAgent(t, protocol);
  const address = way === "unix" ? agent.path : await agentFront(t, agent.path, way);
  const client = await connectAgent(address, {
    protocol: protocol === "ttrpc" ? "ttrpc" : "grpc",
    yamux: protocol === "yamux",
  });
  t.teardown(() => client.close());
  return { agent, client };
}

/** A container whose first process is `sh -c script`, and its console. */
async function box(client: AgentClient, script: string, containerId = "box"): Promise<AgentConsole> {
  const args = ["sh", "-c", script];
  const env = [`PATH=${process.env["PATH"]}`, "PS1=$ "];
  const oci = { process: { terminal: true, args, env, cwd: "/" } };
  await client.agent.createContainer({ containerId, execId: containerId, oci });
  await client.agent.startContainer({ containerId });
  return openAgentConsole(client, { containerId, initialSize: { columns: 90, rows: 30 } });
}

function assertNothingWrong(t: Test, agent: GoAgent): void {
  t.strictSame(
    agent.events.filter(({ wrong }) => wrong !== undefined),
    [],
    "no empty write, nothing too long, one read at a time",
  );
}

const PROTOCOLS: AgentProtocol[] = ["grpc", "yamux", "ttrpc"];

for (const protocol of PROTOCOLS) {
  for (const way of ["unix", "hvsock, glued", "hvsock, in pieces"] as const) {
    t.test(`${protocol} [${way}]`, { skip }, async (t) => {
      t.test("health, sandbox, container, exec, console, resize, exit status, and a clean end", async (t) => {
        const agent = await startGoAgent(t, protocol);
        const address = way === "unix" ? agent.path : await agentFront(t, agent.path, way);
        const before = openFds();
        const yamux = protocol === "yamux";
        const client = await connectAgent(address, { protocol: protocol === "ttrpc" ? "ttrpc" : "grpc", yamux });
        t.strictSame(await client.health.check(), { status: 1 });
        t.strictSame(await client.health.version(), { grpcVersion: "0.0.1", agentVersion: "played" });
        const details = await client.agent.getGuestDetails({ memBlockSize: true });
        t.equal(details.memBlockSizeBytes, 2n ** 63n + 1n);
        t.strictSame(details.agentDetails?.storageHandlers, ["blk", "9p"]);
        await client.agent.createSandbox({ hostname: "h", sandboxId: "s" });
        const console = await box(client, "read go; stty size; read line; echo got $line; stty size; exit 7");
        const screen = new Transcript(console);
        console.write("go\n");
        await screen.shows(/^30 90\r$/m);
        await console.resize(101, 41);
        console.write("héllo\n");
        t.match(await screen.ended, /^got h\S+llo\r\n41 101\r$/m);
        t.strictSame(await console.exited, { code: 7, signal: null });
        t.ok(console.destroyed, "it closes by itself");

        const shell = {
          terminal: true,
          args: ["sh", "-c", "echo in exec; exec sleep 1000"],
          env: [`PATH=${process.env["PATH"]}`],
        };
        await client.agent.execProcess({ containerId: "box", execId: "more", process: shell });
        const exec = await openAgentConsole(client, { containerId: "box", execId: "more" });
        t.equal(exec.name, "box/more");
        const more = new Transcript(exec);
        await more.shows(/in exec/);
        await client.agent.signalProcess({ containerId: "box", execId: "more", signal: 9 });
        await more.ended;
        t.strictSame(await exec.exited, { code: 137, signal: null });
        await client.agent.removeContainer({ containerId: "box" });
        await client.agent.destroySandbox();
        await t.rejects(client.agent.startContainer({ containerId: "none" }), {
          code: "ERR_CONSOLE_RPC",
          rpcCode: 5,
          rpcName: "NOT_FOUND",
          details: 'no process "none" in container "none": 100% sure',
        });
        await client.close();
        assertNothingWrong(t, agent);
        await assertNoLeak(t, before);
      });

      t.test("more than a window of yamux holds goes both ways, byte for byte", async (t) => {
        const { agent, client } = await connect(t, protocol, way);
        // In one message: the agent counts what came, and gives as much as is asked for.
        await client.agent.createSandbox({ hostname: "x".repeat(3_000_000) });
        await agent.event(({ hostname }) => hostname === 3_000_000);
        const { data } = await client.agent.readStderr({ containerId: "", execId: "", len: 3_000_000 });
        t.ok(data.equals(Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, n) => n))), "3000000 bytes");
        // Through a console: typed, and shown again.
        const size = 1_500_000;
        const console = await box(client, `stty raw -echo; echo ready; head -c ${size}`);
        const screen = new Transcript(console);
        await screen.shows(/ready/);
        const text = Array.from({ length: 300_000 }, (_, n) => n)
          .join(" ")
          .slice(0, size);
        console.write(text);
        t.ok((await screen.ended).replace(/^ready\r?\n/, "") === text, `${size} bytes typed and shown`);
        assertNothingWrong(t, agent);
      });
    });
  }

  t.test(`${protocol}: a call's deadline is kept here and told to the agent`, { skip }, async (t) => {
    const { agent, client } = await connect(t, protocol);
    await box(client, "sleep 1000");
    const wait = client.agent.waitProcess({ containerId: "box", execId: "box" }, { timeoutMs: 50 });
    await t.rejects(wait, { code: "ERR_CONSOLE_RPC", rpcCode: 4, rpcName: "DEADLINE_EXCEEDED" });
    await agent.event(({ call, deadline }) => call === "WaitProcess" && deadline === true);
    await agent.event(({ cancelled }) => cancelled === "WaitProcess");
    t.strictSame(await client.health.check({ timeoutMs: 60_000 }), { status: 1 }, "the connection goes on");
  });

  t.test(`${protocol}: a call that is aborted rejects with the signal's reason; others go on`, { skip }, async (t) => {
    const { agent, client } = await connect(t, protocol);
    await box(client, "sleep 1000");
    const reason = new Error("enough");
    const aborting = new AbortController();
    const wait = client.agent.waitProcess({ containerId: "box", execId: "box" }, { signal: aborting.signal });
    const other = client.agent.waitProcess({ containerId: "box", execId: "box" });
    await agent.event(({ call }) => call === "WaitProcess");
    aborting.abort(reason);
    await t.rejects(wait, reason);
    // ttRPC has no word for it.
    if (protocol !== "ttrpc") await agent.event(({ cancelled }) => cancelled === "WaitProcess");
    await t.rejects(client.health.check({ signal: AbortSignal.abort(reason) }), reason);
    await client.agent.signalProcess({ containerId: "box", execId: "box", signal: 15 });
    t.strictSame(await other, { status: 143 });
  });

  t.test(`${protocol}: an agent that is killed in the middle of a call`, { skip }, async (t) => {
    const before = openFds();
    const { agent, client } = await connect(t, protocol);
    const console = await box(client, "echo here; sleep 1000");
    const closed = new Promise((resolve) => console.once("close", resolve));
    const errors: unknown[] = [];
    console.on("error", (error) => errors.push(error));
    const screen = new Transcript(console);
    await screen.shows(/here/);
    const wait = client.agent.waitProcess({ containerId: "box", execId: "box" });
    agent.program.kill("SIGKILL");
    const lost = { code: "ERR_CONSOLE_RPC", rpcCode: 14, rpcName: "UNAVAILABLE" };
    await t.rejects(wait, lost);
    await closed;
    t.match(errors, [lost]);
    await t.rejects(console.exited, lost);
    await t.rejects(client.health.check(), lost, "and from now on");
    await client.close();
    await agent.program.ended;
    await assertNoLeak(t, before);
  });

  t.test(`${protocol}: close() in the middle of a call`, { skip }, async (t) => {
    const { agent, client } = await connect(t, protocol);
    const console = await box(client, "sleep 1000");
    const failed = once(console, "error");
    console.resume();
    await agent.event(({ call }) => call === "ReadStdout");
    const wait = client.agent.waitProcess({ containerId: "box", execId: "box" });
    const closing = client.close();
    await t.rejects(wait, { code: "ERR_CONSOLE_CLOSED" });
    t.match(await failed, [{ code: "ERR_CONSOLE_CLOSED" }]);
    await closing;
    await client.close();
    await t.rejects(client.health.check(), { code: "ERR_CONSOLE_CLOSED" });
    assertNothingWrong(t, agent);
  });

  t.test(
    `${protocol}: a console is read only while somebody wants more, and destroy() cancels`,
    { skip },
    async (t) => {
      const { agent, client } = await connect(t, protocol);
      const console = await box(client, "seq 1 1000000");
      await once(console, "readable");
      await client.health.check();
      t.ok(console.readableLength <= 64 * 1024 + 32 * 1024, `${console.readableLength} bytes are held here`);
      console.destroy();
      await once(console, "close");
      await t.rejects(console.exited, { code: "ERR_CONSOLE_CLOSED" });
      console.resize(10, 10);
      t.strictSame(await client.health.check(), { status: 1 });
      assertNothingWrong(t, agent);
    },
  );

  t.test(`${protocol}: attach, asPty, a recording and a log take it as any console`, { skip }, async (t) => {
    const { agent, client } = await connect(t, protocol);
    const attached = await box(client, "read a; echo got $a", "attached");
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const screen = new Transcript(stdout);
    stdin.write("typed\n");
    t.equal(await attach(attached, { stdin, stdout }), "ended");
    t.match(screen.text, /got typed/);

    const held = await box(client, "cat", "held");
    const keys = new PassThrough();
    keys.write("\x10\x11");
    t.equal(await attach(held, { stdin: keys, stdout: new PassThrough(), detachKeys: "ctrl-p,ctrl-q" }), "detached");
    held.destroy();

    const console = await box(client, "read a; stty size; echo bye $a; exit 3", "pty");
    const pty = asPty(console, { exited: console.exited });
    const recording = new Transcript(console.pipe(new Asciicast({ initialSize: console.size })));
    const log = new Transcript(console.pipe(new ConsoleLog({ format: "cri" })));
    let text = "";
    pty.onData((data) => {
      text += data;
    });
    pty.resize(66, 22);
    pty.write("now\n");
    const [exit] = await new Promise<unknown[]>((resolve) => pty.onExit((event) => resolve([event])));
    t.strictSame(exit, { exitCode: 3, signal: 0 });
    t.match(text, /22 66\r\nbye now/);
    t.match(await recording.ended, /"o", ".*bye now/);
    t.match(await log.ended, / stdout F bye now/);
    assertNothingWrong(t, agent);
  });

  t.test(`${protocol}: end() flushes and stops typing; the program goes on`, { skip }, async (t) => {
    const { agent, client } = await connect(t, protocol);
    const console = await box(client, "read a; read b; echo got $a $b; sleep 0.2; echo late");
    const screen = new Transcript(console);
    console.write("");
    console.write("one\n");
    console.end("two\n");
    t.match(await screen.ended, /got one two\r\n(.*\n)*late/);
    t.ok(console.write("to nobody"), "typing after the end is no error");
    console.end();
    assertNothingWrong(t, agent);
  });
}

t.test("examples/agent.mjs is the container's terminal, and ends with its status", { skip }, async (t) => {
  for (const protocol of ["grpc", "ttrpc"] as const) {
    const agent = await startGoAgent(t, protocol);
    const program = ["sh", "-c", "read a; echo got $a; exit 5"];
    const example = join(repository, "examples/agent.mjs");
    const seen = await run(t, process.execPath, [example, agent.path, protocol, ...program], { input: "typed\n" });
    t.match(seen, { status: 5, stdout: /got typed/, stderr: "An agent, version played.\n" });
    assertNothingWrong(t, agent);
  }
});
