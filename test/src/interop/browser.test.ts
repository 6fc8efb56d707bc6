// examples/browser.mjs in a real browser: what is typed comes back, the window's size arrives, the exit is shown.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import t from "tap";
import { Page } from "../support/chromium.js";
import { Container } from "../support/container.js";
import { hybridFront, OK } from "../support/hybrid-front.js";
import { fixtureBuild, repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { runc } from "../support/runtimes.js";

/** The status that a page of `origin` gets when it opens a WebSocket. */
async function upgrade(url: string, origin: string): Promise<number | undefined> {
  const websocket = { "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64") };
  const asked = request(url, { headers: { connection: "Upgrade", upgrade: "websocket", origin, ...websocket } }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

t.test("a container in a browser", { skip: needs(...runc.needs, "chromium") }, async (t) => {
  const box = new Container(t, runc);
  const runtime = box.command(
    "run",
    "-d",
    "--bundle",
    box.bundle,
    "--console-socket",
    "{}",
    "--pid-file",
    "{pid}",
    box.id,
  );
  const [command, ...node] = plainNode;
  const server = start(t, command, [
    ...node,
    join(repository, "examples/browser.mjs"),
    "--port",
    "0",
    "--",
    ...runtime,
  ]);
  const [url = ""] = await server.output(/http:\S+/);
  t.equal(await upgrade(url, "http://elsewhere.example"), 401, "a page of somebody else's gets no container");

  const page = await Page.open(t, url);
  const terminal = ".xterm-rows";
  await page.shows(terminal, /# /);
  await page.type("echo $((6*7)) on $(tty)\n");
  await page.shows(terminal, /^42 on \/dev\/pts\/0$/m);
  await page.type("stty size\n");
  const [first] = await page.shows(terminal, /^\d+ \d+$/m);
  await page.resize(900, 420);
  await page.type(`while [ "$(stty size)" = "${first}" ]; do :; done; echo now $(stty size)\n`);
  const [, rows = "", columns = ""] = await page.shows(terminal, /^now (\d+) (\d+)$/m);
  t.ok(Number(rows) < 40 && Number(columns) > 80, `a window of 900x420 pixels has ${columns}x${rows} characters`);
  await page.type("echo grüße\n");
  await page.shows(terminal, /^grüße$/m);
  await page.type("exit 42\n");
  await page.shows(terminal, /^\[exit 42\]/m);
  mkdirSync(fixtureBuild, { recursive: true });
  // docs/browser.png was made so.
  writeFileSync(join(fixtureBuild, "browser.png"), await page.screenshot());
  await page.close();
});

t.test("a debug console in a browser", { skip: needs("chromium") }, async (t) => {
  const front = await hybridFront(t, (socket) => {
    socket.write(`${OK}ready\n`);
    const shell = spawn("sh", ["-s"], { stdio: ["pipe", "pipe", "ignore"] });
    // What a browser's Enter key types is made a newline by a terminal, which is not played here.
    socket.on("data", (bytes) => shell.stdin.write(bytes.toString().replaceAll("\r", "\n")));
    shell.stdout.pipe(socket);
    socket.once("close", () => shell.kill());
  });
  const [command, ...node] = plainNode;
  const args = ["--port", "0", "--agent", `hvsock://${front.path}:1024`];
  const server = start(t, command, [...node, join(repository, "examples/browser.mjs"), ...args]);
  const [url = ""] = await server.output(/http:\S+/);
  const page = await Page.open(t, url);
  await page.shows(".xterm-rows", /^ready/m);
  await page.type("echo $((6*7))\n");
  await page.shows(".xterm-rows", /42/);
  await page.type("exit\n");
  await page.shows(".xterm-rows", /\[ended\]/);
  t.equal(front.requests[0]?.line, "CONNECT 1026\n");
  await page.close();
});
