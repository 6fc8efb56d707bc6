// What happens is seen from outside: diagnostics_channel, and NODE_DEBUG on top. Never what is written on a console.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { EVENTS, listen } from "console-socket";
import t from "tap";
import { nodeProgram } from "../support/node-program.js";
import { startPeer } from "../support/peer.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { Transcript } from "../support/transcript.js";

t.test("each event has a channel, with descriptor and inode", { skip: needs("python3") }, async (t) => {
  const seen: [string, Record<string, unknown>][] = [];
  const heard = EVENTS.map((event) => {
    const listener = (message: unknown) => seen.push([event, message as Record<string, unknown>]);
    subscribe(`console-socket:${event}`, listener);
    return { event, listener };
  });
  const listener = await listen();
  const refused = new Promise((resolve) => {
    listener.once("refused", resolve);
  });
  startPeer(t, [{ connect: listener.path }, { close: true }]);
  await refused;
  startPeer(t, [
    { connect: listener.path },
    { send: { payload: "n\u001b", fds: ["master"] } },
    { close: true },
    { write: "secret" },
    { hangup: true },
  ]);
  const console = await listener.accept();
  console.resize(70, 20);
  await new Transcript(console).ended;
  listener.close();
  for (const { event, listener } of heard) unsubscribe(`console-socket:${event}`, listener);

  t.strictSame(
    seen.map(([event]) => event),
    ["listen", "connect", "refuse", "connect", "receive", "resize", "hangup", "end"],
  );
  for (const [event, { fd, ino }] of seen) {
    t.ok(Number.isInteger(fd) && typeof ino === "bigint", `${event} names descriptor and inode`);
  }
  t.match(seen[2]?.[1], { error: { code: "ERR_CONSOLE_NONE" }, peer: { uid: process.getuid?.() } });
  t.match(seen[4]?.[1], { name: "n\u{fffd}" });
  t.match(seen[5]?.[1], { columns: 70, rows: 20 });
  const texts = seen.map(([, message]) => Object.values(message).map(String).join(" "));
  t.notMatch(texts.join(" "), /secret/);
});

t.test("NODE_DEBUG=console-socket prints them on stderr", async (t) => {
  const env = { ...process.env, NODE_DEBUG: "console-socket" };
  const { stderr } = await run(t, ...nodeProgram("console-socket/listen-once"), { env });
  t.match(stderr, /^CONSOLE-SOCKET \d+: listen \{ fd: \d+, ino: \d+n, path: '\/.*' \}$/m);
});
