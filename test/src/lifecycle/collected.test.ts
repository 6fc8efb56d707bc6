// What is closed can be collected: a native object that held its callback, and through it its owner, would keep both.
import { fileURLToPath } from "node:url";
import t from "tap";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";

const cwd = fileURLToPath(new URL("../..", import.meta.url));

t.test("a closed socket, server, stream and console are garbage", async (t) => {
  const script = `import { setImmediate as turn } from "node:timers/promises";
    import { UnixServer, UnixSocket, UnixStream } from "cmsg";
    import { native } from "cmsg-native";
    import { PtyConsole } from "console-socket";
    const made = {
      socket: async () => { const [one, other] = UnixSocket.pair(); one.receive().catch(() => {}); other.close(); return one; },
      server: async () => { const server = await UnixServer.listen({ abstract: "collected-" + process.pid }); server.accept().catch(() => {}); return server; },
      stream: async () => { const [one, other] = native.socketpair(1); native.close(other); return UnixStream.connect({ fd: one }).resume(); },
      console: async () => { const { ptmx, peer } = native.openPty("/dev/ptmx"); native.close(peer); return PtyConsole.fromFd(ptmx).resume(); },
    };
    const closed = async (make) => { const subject = await make(); await turn(); (subject.close ?? subject.destroy).call(subject); return new WeakRef(subject); };
    const refs = {};
    for (const [name, make] of Object.entries(made)) refs[name] = await closed(make);
    const kept = () => Object.keys(refs).filter((name) => refs[name].deref());
    for (let i = 0; i < 200 && kept().length > 0; i++) { await turn(); gc(); }
    console.log(JSON.stringify(kept()));`;
  const [command, ...args] = plainNode;
  const { stdout, stderr } = await run(t, command, [...args, "--expose-gc", "--input-type=module", "-e", script], {
    cwd,
  });
  t.equal(stdout.trim(), "[]", stderr);
});

t.test(
  "a socket that is forgotten is garbage too, unless somebody waits on it, and its descriptor is reported",
  async (t) => {
    const script = `import { setImmediate as turn } from "node:timers/promises";
    import { UnixSocket } from "cmsg";
    const [forgotten, other] = UnixSocket.pair().map((socket) => new WeakRef(socket));
    const [awaited, sender] = UnixSocket.pair();
    const received = awaited.receive();
    const kept = new WeakRef(awaited);
    await turn();
    for (let i = 0; i < 200 && (forgotten.deref() || other.deref()); i++) { await turn(); gc(); }
    console.log(Boolean(forgotten.deref()), Boolean(other.deref()), Boolean(kept.deref()));
    await sender.send(Buffer.from("there"));
    console.log(String((await received).data));
    sender.close();
    kept.deref()?.close();`;
    const [command, ...args] = plainNode;
    const { stdout, stderr } = await run(t, command, [...args, "--expose-gc", "--input-type=module", "-e", script], {
      cwd,
      env: { ...process.env, NODE_DEBUG: "cmsg" },
    });
    t.equal(stdout, "false false true\nthere\n", stderr);
    t.equal(stderr.match(/UnixSocket\.pair/g)?.length, 2, stderr);
  },
);
