// `console-socket SOCKET`: a drop-in for recvtty, the receiver of runc's own tests.
import { writeFileSync } from "node:fs";
import type { PtyConsole } from "../../console/pty-console.js";
import { withDeadline } from "../../deadline.js";
import { ConsoleSocketError } from "../../errors.js";
import { type ConsoleListener, listen } from "../../receive/listener.js";
import type { Copies } from "../copies.js";
import type { ReceiveOptions } from "../options.js";
import type { Report } from "../report.js";
import { tidyBeforeDying } from "../signals.js";
import { connect, initialSize, wantsOnlcr } from "../terminal.js";

export async function receive(options: ReceiveOptions, report: Report): Promise<number> {
  const { mode, pidFile, size, socket } = options;
  // Before anybody can send a console; most have no use for them, and start without.
  const copies = options.log || options.record ? await openCopies(options) : undefined;
  // Scripts take the file for the sign that this process is about to listen, as recvtty writes it.
  if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}`);
  const address = socket.startsWith("@") ? { abstract: socket.slice(1) } : socket;
  let listener: ConsoleListener | undefined;
  // Before there is a socket: whoever sees it may already send the signal.
  tidyBeforeDying(async () => {
    listener?.close();
    await copies?.finish();
  });
  listener = await listen(address, { initialSize: mode === "single" ? initialSize(options) : size });
  report.event("listening", { path: listener.path });
  listener.on("refused", ({ error }) => {
    const { code } = error as NodeJS.ErrnoException;
    const refusal = new Error(`refused a peer on ${listener?.path}: ${error.message}`, { cause: error });
    report.error(Object.assign(refusal, { code }), "refused");
  });
  if (mode === "null") await drainAll(listener, report);
  else await connectOne(listener, options, { copies, report });
  return 0;
}

async function openCopies(options: ReceiveOptions): Promise<Copies> {
  const { Copies } = await import("../copies.js");
  return Copies.open(options);
}

async function drainAll(listener: ConsoleListener, report: Report): Promise<void> {
  for await (const terminal of listener) {
    report.event("console", { name: terminal.name });
    // Its error is its end; nobody is here to be told, and the others go on.
    terminal.on("error", () => undefined).resume();
  }
}

async function connectOne(
  listener: ConsoleListener,
  options: ReceiveOptions,
  { copies, report }: { copies: Copies | undefined; report: Report },
): Promise<void> {
  const terminal = await accept(listener, options.timeoutMs);
  // Before anything that takes time: a shell keeps the settings it finds at its start.
  if (!wantsOnlcr(options)) terminal.setOnlcr(false);
  listener.close();
  report.event("console", { name: terminal.name });
  await connect(terminal, options, { copies });
  await copies?.finish();
  report.event("ended");
}

async function accept(listener: ConsoleListener, timeoutMs: number = Number.POSITIVE_INFINITY): Promise<PtyConsole> {
  const timedOut = (): ConsoleSocketError =>
    new ConsoleSocketError(
      "ERR_CONSOLE_TIMEOUT",
      `Expected a console on ${listener.path}; none came within ${timeoutMs / 1000} s.`,
    );
  return withDeadline({ timeoutMs, signal: undefined, timedOut }, (signal) => listener.accept({ signal }));
}
