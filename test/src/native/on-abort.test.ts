// One signal for many operations: onAbort() of cmsg-native, and the operations that are built on it.
import { getEventListeners } from "node:events";
import { UnixServer, UnixSocket } from "cmsg";
import { onAbort } from "cmsg-native";
import { launch, listen, receiveConsole } from "console-socket";
import t from "tap";
import { rejection } from "../support/rejection.js";

t.test("onAbort: each callback runs once, in order, and the signal keeps no listener", async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const seen: string[] = [];
  const same = () => seen.push("same");
  const stops = [onAbort(signal, () => seen.push("first")), onAbort(signal, same), onAbort(signal, same)];
  t.equal(getEventListeners(signal, "abort").length, 1);
  stops[1]?.();
  stops[1]?.();
  controller.abort();
  t.strictSame(seen, ["first", "same"]);
  for (const stop of stops) stop();
  t.equal(getEventListeners(signal, "abort").length, 0);
});

t.test("onAbort [all stopped, then another] listens again", async (t) => {
  const controller = new AbortController();
  onAbort(controller.signal, () => t.fail("it was stopped"))();
  t.equal(getEventListeners(controller.signal, "abort").length, 0);
  let calls = 0;
  onAbort(controller.signal, () => calls++);
  controller.abort();
  t.equal(calls, 1);
});

t.test("onAbort [a callback stops a later one, another throws]", async (t) => {
  const controller = new AbortController();
  const seen: string[] = [];
  const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
  onAbort(controller.signal, () => stopLater());
  onAbort(controller.signal, () => {
    throw new Error("of a callback");
  });
  const stopLater = onAbort(controller.signal, () => seen.push("stopped"));
  onAbort(controller.signal, () => seen.push("last"));
  controller.abort();
  t.strictSame(seen, ["last"]);
  t.match(await uncaught, { message: "of a callback" }, "as EventTarget reports it");
});

t.test("fifteen operations of each kind with one signal warn of nothing", async (t) => {
  const warnings: string[] = [];
  const collect = ({ name }: Error) => warnings.push(name);
  process.on("warning", collect);
  t.teardown(() => process.off("warning", collect));
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("the end of all");
  using server = await UnixServer.listen({ abstract: `one-signal-${process.pid}` });
  using listener = await listen();
  const [one, other] = UnixSocket.pair();
  const waiting = Array.from({ length: 15 }, () => [
    server.accept({ signal }),
    one.receive({ signal }),
    listener.accept({ signal }),
    launch(["sh", "-c", "exec sleep 60", "{}"], { signal }),
  ]).flat();
  const rejections = Promise.all(waiting.map((operation) => rejection(operation)));
  // A warning is emitted in a later turn than the listener that causes it.
  await new Promise((resolve) => setImmediate(resolve));
  controller.abort(reason);
  t.ok((await rejections).every((seen) => seen === reason));
  t.strictSame(warnings, []);
  t.equal(getEventListeners(signal, "abort").length, 0);
  one.close();
  other.close();
});

/** A signal of another library: without throwIfAborted. */
class OtherSignal extends EventTarget {
  aborted = false;
  reason: unknown;

  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event("abort"));
  }
}

t.test("a signal of another library ends operations too", async (t) => {
  const [one, other] = UnixSocket.pair();
  using listener = await listen();
  const signal = new OtherSignal();
  const theirs = signal as unknown as AbortSignal;
  const reason = new Error("theirs");
  const waiting = [
    one.receive({ signal: theirs }),
    listener.accept({ signal: theirs }),
    launch(["sh", "-c", "exec sleep 60", "{}"], { signal: theirs }),
    receiveConsole(other, { signal: theirs }),
  ].map((operation) => rejection(operation));
  setImmediate(() => signal.abort(reason));
  t.ok((await Promise.all(waiting)).every((seen) => seen === reason));
  t.equal(await rejection(UnixSocket.connect(listener.path, { signal: theirs })), reason, "one that has aborted");
  one.close();
});

t.test("a listener's silent peers warn of nothing", async (t) => {
  const warnings: string[] = [];
  const collect = ({ name }: Error) => warnings.push(name);
  process.on("warning", collect);
  t.teardown(() => process.off("warning", collect));
  using listener = await listen();
  const peers = await Promise.all(Array.from({ length: 15 }, () => UnixSocket.connect(listener.path)));
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const peer of peers) peer.close();
  t.strictSame(warnings, []);
});
