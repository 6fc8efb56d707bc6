// What waits with a limit leaves nothing with the caller's signal, which may live as long as the service.
import { getEventListeners, once } from "node:events";
import { UnixSocket } from "cmsg";
import { launch, listen, receiveConsole } from "console-socket";
import { dial, passFd, sandboxAgentUrl } from "console-socket/kata";
import t from "tap";
import { hybridFront } from "../support/hybrid-front.js";
import { tempDir } from "../support/temp-dir.js";
import { until } from "../support/until.js";

/** Listeners, and what AbortSignal.any of Node.js leaves in a source. */
function leftWith(signal: AbortSignal): number {
  const dependent = Object.getOwnPropertySymbols(signal).find((symbol) => String(symbol).includes("kDependantSignals"));
  const signals = dependent && (signal as unknown as Record<symbol, Set<unknown> | null>)[dependent];
  return getEventListeners(signal, "abort").length + (signals?.size ?? 0);
}

t.test("the caller's signal keeps nothing of what has ended", async (t) => {
  const front = await hybridFront(t, (socket) => socket.end("OK 1\n"));
  const nobody = `${tempDir(t)}/nobody`;
  const operations: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
    receiveConsole: async (signal) => {
      const [ours, theirs] = UnixSocket.pair();
      theirs.close();
      await receiveConsole(ours, { signal });
    },
    "receiveConsole, in time": async (signal) => {
      const [ours, theirs] = UnixSocket.pair();
      await receiveConsole(ours, { signal, silentPeerTimeoutMs: 1 }).finally(() => theirs.close());
    },
    accept: async (signal) => {
      const listener = await listen();
      setImmediate(() => listener.close());
      await listener.accept({ signal });
    },
    launch: (signal) => launch(["false", "{}"], { signal, timeoutMs: 60_000 }),
    "launch, in time": (signal) => launch(["sh", "-c", "exec sleep 60", "{}"], { signal, timeoutMs: 1 }),
    dial: async (signal) => (await dial(`hvsock://${front.path}:1024`, { signal })).destroy(),
    "dial, in time": (signal) => dial(nobody, { signal, timeoutMs: 30 }),
    passFd: (signal) => passFd(front.path, 1027, 0, { signal }),
    sandboxAgentUrl: (signal) => sandboxAgentUrl("box", { signal, root: tempDir(t) }),
  };
  const { signal } = new AbortController();
  for (const [name, operation] of Object.entries(operations)) {
    await operation(signal).catch(() => undefined);
    t.equal(leftWith(signal), 0, name);
  }
});

t.test("a listener keeps nothing of the peers that it has served", async (t) => {
  // The signal of the listener's own, which it hands to the receiving of each peer.
  const signals: AbortSignal[] = [];
  const { AbortController } = globalThis;
  globalThis.AbortController = class extends AbortController {
    constructor() {
      super();
      signals.push(this.signal);
    }
  };
  t.teardown(() => {
    globalThis.AbortController = AbortController;
  });
  const listener = await listen();
  t.teardown(() => listener.close());
  const own = [...signals];
  t.ok(own.length > 0, "it has a signal");
  const listening = own.map(leftWith);
  for (let i = 0; i < 20; i++) {
    const refused = once(listener, "refused");
    const before = signals.length;
    const peer = await UnixSocket.connect(listener.path);
    // A peer that says nothing for a while is waited for with a signal.
    await until(() => signals.length > before, { what: "a signal for the peer" });
    peer.close();
    await refused;
  }
  t.strictSame(own.map(leftWith), listening);
  t.ok(signals.length > own.length, "each peer had a signal of its own");
});
