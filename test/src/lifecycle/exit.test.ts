// The end of a Worker or of the process, at any step, leaves nothing behind and crashes nothing.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { listen } from "console-socket";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { plainNode } from "../support/plain-node.js";
import { run, start } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

// Bare names resolve from here.
const cwd = fileURLToPath(new URL("../..", import.meta.url));

/** What the program or the Worker is busy with when it ends. `path` is a socket's; `init` is console-init. */
const steps = {
  "a listener": `const listener = await listen(path);`,
  "a pending accept": `const listener = await listen(path); listener.accept().catch(() => {});`,
  "a silent peer": `const listener = await listen(path); await UnixSocket.connect(path); listener.accept().catch(() => {});`,
  "messages under way": `
    const [one, other] = UnixSocket.pair();
    await one.send(Buffer.alloc(10), [0, 0, 0]);
    one.send(Buffer.alloc(5_000_000), [0]).catch(() => {});
    globalThis.kept = await other.receive({ length: 5 });
    other.receive().then(() => other.receive()).catch(() => {});`,
  "an idle console": `
    const listener = await listen(path);
    const child = spawn(init, ["--ptmx", "/dev/ptmx", "--console-socket", path, "--", "sleep", "1000"]);
    const console = await listener.accept();
    console.resume();`,
  "a console that talks and is typed at": `
    const listener = await listen(path);
    const child = spawn(init, ["--ptmx", "/dev/ptmx", "--console-socket", path, "--", "sh", "-c", "yes & sleep 1000"]);
    const console = await listener.accept();
    let seen = 0;
    const much = new Promise((resolve) => console.on("data", (d) => (seen += d.length) > 300_000 && resolve()));
    console.write(Buffer.alloc(1_000_000, "x"));
    await much;`,
};

const program = (body: string, ending: string) => `
  import { spawn } from "node:child_process";
  import { UnixSocket, UnixServer } from "cmsg";
  import { listen } from "console-socket";
  import { consoleInitPath } from "console-init";
  const init = consoleInitPath();
  const path = globalThis.socketPath ?? process.argv[1];
  ${body}
  ${ending}`;

for (const [what, body] of Object.entries(steps)) {
  t.test(`process.exit with ${what}: status 0, no socket file`, async (t) => {
    const path = `${tempDir(t)}/s`;
    const script = program(body, "process.exit();");
    const [command, ...args] = plainNode;
    const node = [...args, "--input-type=module", "-e", script, path];
    const result = await run(t, command, node, { cwd });
    t.match(result, { status: 0, signal: null, stderr: "" });
    t.notOk(existsSync(path));
  });

  t.test(`Worker.terminate with ${what}: nothing is left open`, async (t) => {
    const path = `${tempDir(t)}/s`;
    const before = openFds();
    const script = program(body, "parentPort.postMessage('there');").replace(
      "import { spawn }",
      `import { parentPort, workerData } from "node:worker_threads"; globalThis.socketPath = workerData; import { spawn }`,
    );
    const source = new URL(`data:text/javascript,${encodeURIComponent(resolveNames(script))}`);
    const worker = new Worker(source, { workerData: path });
    worker.on("error", (error) => t.error(error));
    await new Promise((resolve) => worker.once("message", resolve));
    await worker.terminate();
    await assertNoLeak(t, before);
  });
}

t.test("a process whose consoles and sockets have ended ends by itself", async (t) => {
  const script = program(
    `const listener = await listen(path);
     spawn(init, ["--ptmx", "/dev/ptmx", "--console-socket", path, "--", "echo", "hello"], { stdio: "ignore" });
     const console_ = await listener.accept();
     console_.on("data", (d) => process.stdout.write(d));
     listener.close();`,
    "",
  );
  const [command, ...args] = plainNode;
  const result = await run(t, command, [...args, "--input-type=module", "-e", script, `${tempDir(t)}/s`], { cwd });
  t.match(result, { status: 0, stdout: "hello\r\n", stderr: "" });
});

t.test("SIGKILL leaves a socket file that the next listener replaces", async (t) => {
  const path = `${tempDir(t)}/s`;
  const [command, ...args] = plainNode;
  const script = program(`await listen(path); console.log("there"); setInterval(() => {}, 1000);`, "");
  const killed = start(t, command, [...args, "--input-type=module", "-e", script, path], { cwd });
  await killed.output(/there/);
  process.kill(killed.pid, "SIGKILL");
  await killed.ended;
  t.ok(existsSync(path));
  const listener = await listen(path);
  t.equal(listener.path, path);
  listener.close();
  t.notOk(existsSync(path));
});

function resolveNames(script: string): string {
  return script.replace(
    /from "(cmsg|console-socket|console-init)"/g,
    (_, name) => `from "${import.meta.resolve(name)}"`,
  );
}
