// examples/handover: ten versions one after another, under load, and not one request refused or cut.
import { once } from "node:events";
import { existsSync } from "node:fs";
import { Agent, get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import t, { type Test } from "tap";
import { nodeProgram } from "../support/node-program.js";
import { ownHost } from "../support/own-host.js";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { type Program, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

const VERSIONS = 10;
const [command, ...node] = plainNode;

async function startVersion(t: Test, control: string, address: string, version: number): Promise<Program> {
  const server = join(repository, "examples/handover/server.mjs");
  const program = start(t, command, [...node, server, control, address, `v${version}`]);
  await program.output(/serves/);
  return program;
}

/** Hands over from version to version; each has to leave by itself. The last one is returned. */
async function handOver(t: Test, control: string, address: string, first: Program): Promise<Program> {
  let running = first;
  for (let version = 1; version <= VERSIONS; version++) {
    const next = await startVersion(t, control, address, version);
    t.match(await running.ended, { status: 0, stdout: `v${version - 1} serves\nv${version - 1} leaves\n`, stderr: "" });
    running = next;
  }
  return running;
}

type Target = { socketPath: string } | { host: string; port: number };

async function request(target: Target, agent: Agent | false): Promise<string> {
  const [response] = (await once(get({ ...target, agent }), "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  return body;
}

/** Requests without a pause, on kept connections and on new ones; who answered how often. */
function load(target: Target) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const answers = new Map<string, number>();
  const errors: unknown[] = [];
  let stopped = false;
  const client = async (kept: Agent | false) => {
    while (!stopped) {
      try {
        const body = await request(target, kept);
        answers.set(body, (answers.get(body) ?? 0) + 1);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  const clients = [agent, agent, agent, agent, false as const, false as const].map(client);
  return async () => {
    stopped = true;
    await Promise.all(clients);
    agent.destroy();
    return { answers, errors };
  };
}

for (const kind of ["TCP", "Unix"]) {
  t.test(`${VERSIONS} hand-overs [${kind}, under load] refuse and cut no request`, async (t) => {
    const dir = tempDir(t);
    const control = join(dir, "control");
    const path = join(dir, "http");
    const [address, target] =
      kind === "TCP" ? [`${ownHost}:8080`, { host: ownHost, port: 8080 }] : [path, { socketPath: path }];
    const first = await startVersion(t, control, address, 0);
    const stop = load(target);
    const last = await handOver(t, control, address, first);
    const { answers, errors } = await stop();
    t.strictSame(errors, []);
    t.equal(answers.size >= VERSIONS, true, `${answers.size} versions answered`);
    last.kill();
    t.match(await last.ended, { status: 0, stderr: "" });
    t.strictSame([existsSync(control), existsSync(path)], [false, false], "no socket file is left");
  });
}

t.test(`${VERSIONS} hand-overs [under wrk] show no socket error`, { skip: needs("wrk") }, async (t) => {
  const control = join(tempDir(t), "control");
  const address = `${ownHost}:8081`;
  const first = await startVersion(t, control, address, 0);
  // Longer than it takes: it is interrupted when all is done, and then tells what it saw.
  const wrk = start(t, "wrk", ["-t1", "-c16", "-d300s", `http://${address}/`]);
  const last = await handOver(t, control, address, first);
  wrk.kill("SIGINT");
  const { status, stdout } = await wrk.ended;
  t.equal(status, 0);
  t.match(stdout, /[1-9]\d* requests in/);
  t.notMatch(stdout, /Socket errors|Non-2xx/);
  last.kill();
  await last.ended;
});

t.test("a successor that dies before it serves changes nothing", async (t) => {
  const dir = tempDir(t);
  const [control, path] = [join(dir, "control"), join(dir, "http")];
  const first = await startVersion(t, control, path, 0);
  const dying = start(t, ...nodeProgram("cmsg/connect-and-wait", [control]));
  t.match(await dying.ended, { status: 0, stderr: "" });
  t.equal(await request({ socketPath: path }, false), "version v0\n");
  const second = await startVersion(t, control, path, 1);
  t.match(await first.ended, { status: 0 });
  t.equal(await request({ socketPath: path }, false), "version v1\n");
  second.kill();
  await second.ended;
});
