// examples/accept-here: a front that accepts, and workers that serve.
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ownHost } from "../support/own-host.js";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { start } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

const [command, ...node] = plainNode;
const example = (name: string) => join(repository, "examples/accept-here", name);

async function startAll(t: Test, port: number) {
  const path = join(tempDir(t), "workers");
  const front = start(t, command, [...node, example("front.mjs"), path, `${ownHost}:${port}`]);
  await front.output(/front listens/);
  const [red, blue] = ["red", "blue"].map((name) => start(t, command, [...node, example("worker.mjs"), path, name]));
  await Promise.all([front.output(/red is here/), front.output(/blue is here/)]);
  if (!red || !blue) throw new Error("two were started");
  return { front, red, blue, url: `http://${ownHost}:${port}` };
}

// A kept connection would stay with its worker, whatever the next request names.
const ask = (url: string, init: RequestInit = {}) => fetch(url, { ...init, headers: { connection: "close" } });

t.test("each connection is served by the worker that its first line names", async (t) => {
  const { front, red, blue, url } = await startAll(t, 8080);
  const [one, two] = await Promise.all([ask(`${url}/red/a`), ask(`${url}/blue/b`, { method: "POST", body: "x=1" })]);
  t.match(await one.text(), new RegExp(`^red ${red.pid}: GET /red/a  from 127\\.`));
  t.match(await two.text(), new RegExp(`^blue ${blue.pid}: POST /blue/b x=1 from 127\\.`));
  t.equal((await ask(`${url}/green/c`)).status, 503);
  red.kill("SIGKILL");
  await front.output(/red is gone/);
  t.equal((await ask(`${url}/red/a`)).status, 503);
  t.match(await (await ask(`${url}/blue/d`)).text(), /^blue/);
  front.kill();
  t.equal((await front.ended).status, 0);
});

t.test("bytes that come before, with and after the line reach the worker once, in order", async (t) => {
  const { red } = await startAll(t, 8081);
  const client = connect(8081, ownHost).setEncoding("utf8");
  let answers = "";
  client.on("data", (text: string) => {
    answers += text;
  });
  await once(client, "connect");
  client.setNoDelay(true);
  for (const part of ["POST /re", "d/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc"]) {
    await new Promise((written) => client.write(part, written));
  }
  client.write("def");
  client.write("GET /red/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  await once(client, "close");
  t.match(answers, new RegExp(`red ${red.pid}: POST /red/1 abcdef from[\\s\\S]*red ${red.pid}: GET /red/2  from`));
});
