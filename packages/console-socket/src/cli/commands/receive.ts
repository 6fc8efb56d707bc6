// `console-socket SOCKET`: a drop-in for recvtty, the receiver of runc's own tests.
import { writeFileSync } from "node:fs";
import type { PtyConsole } from "../../console/pty-console.js";
import { ConsoleSocketError } from "../../errors.js";
import type { ConsoleListener, Refusal } from "../../receive/listener.js";
import { type Arguments, givenOf, onlyOperand, textOf, UsageError } from "../arguments.js";
import type { Command } from "../command.js";
import { COMMON, type CommonOptions, commonOptions } from "../common-options.js";
import type { Copies } from "../copies.js";
import type { Report } from "../report.js";
import { tidyBeforeDying } from "../signals.js";
import { connect, initialSize, wantsOnlcr } from "../terminal.js";

interface ReceiveOptions extends CommonOptions {
  mode: "single" | "null";
  pidFile: string | undefined;
  socket: string;
}

export const receive: Command<ReceiveOptions> = {
  description: {
    name: "receive",
    usage: "[receive] [OPTION]... SOCKET",
    about:
      "receive listens on SOCKET, a path, or @NAME for an abstract socket. A SOCKET that is named like a command is written ./run.",
    options: [
      {
        name: "mode",
        short: "m",
        value: "MODE",
        help: "`single` (the default): take the first console, stop listening, end when it ends; `null`: take any number, read and throw away what they show, until killed",
      },
      { name: "pid-file", value: "FILE", help: "write this process's id to FILE before listening" },
    ],
    commonOptions: COMMON,
    examples: [
      {
        title: "In one window the console, in another the runtime:",
        commands: ["console-socket /run/box.sock", "runc run -d --console-socket /run/box.sock box"],
      },
    ],
    exitStatus: { 0: "the console ended" },
  },

  parse(args) {
    const mode = textOf(args, "mode") ?? "single";
    if (mode !== "single" && mode !== "null")
      throw new UsageError(`--mode is single or null, not ${JSON.stringify(mode)}`);
    if (mode === "null") refuseForNull(args);
    const socket = onlyOperand(args, "socket", "the path of the socket to listen on is missing");
    return { ...commonOptions(args), mode, pidFile: textOf(args, "pid-file"), socket };
  },

  async run(options, report) {
    const { mode, pidFile, size, socket } = options;
    // Open the copies before any console can arrive. Most runs have none and start without that module.
    const copies = options.log || options.record ? await openCopies(options) : undefined;
    // Scripts take the file as the sign that this process is about to listen, as recvtty writes it.
    if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}`);
    const address = socket.startsWith("@") ? { abstract: socket.slice(1) } : socket;
    let listener: ConsoleListener | undefined;
    // Install the handlers before creating the socket: its appearance may be what triggers the signal.
    tidyBeforeDying(async () => {
      listener?.close();
      await copies?.finish();
    });
    const [{ listen }, { useShortSlices }] = await Promise.all([
      import("../../receive/listener.js"),
      import("../time-slice.js"),
    ]);
    const first = { initialSize: initialSize(options), onlcr: wantsOnlcr(options) ? undefined : false };
    const useUsualSlices = useShortSlices();
    listener = await listen(address, mode === "single" ? first : { initialSize: size });
    report.event("listening", { path: listener.path });
    const { path } = listener;
    listener.on("refused", (refusal) => reportRefusal(refusal, path, report));
    if (mode === "null") await drainAll(listener, report);
    else await connectOne(listener, options, { copies, report, useUsualSlices });
    return 0;
  },
};

// What concerns the one console, or what it shows.
function refuseForNull(args: Arguments): void {
  const given = givenOf(args, ["log", "log-format", "record", "timeout", "onlcr"]);
  if (given) throw new UsageError(`--${given} is for one console, and --mode null takes any number`);
}

async function openCopies(options: ReceiveOptions): Promise<Copies> {
  const { Copies } = await import("../copies.js");
  return Copies.open(options);
}

function reportRefusal({ error }: Refusal, path: string, report: Report): void {
  const { code } = error as NodeJS.ErrnoException;
  const refusal = new Error(`refused a peer on ${path}: ${error.message}`, { cause: error });
  report.error(Object.assign(refusal, { code }), "refused");
}

async function drainAll(listener: ConsoleListener, report: Report): Promise<void> {
  for await (const terminal of listener) {
    report.event("console", { name: terminal.name });
    // An error ends this console only; the others go on.
    terminal.on("error", () => undefined).resume();
  }
}

async function connectOne(
  listener: ConsoleListener,
  options: ReceiveOptions,
  { copies, report, useUsualSlices }: { copies: Copies | undefined; report: Report; useUsualSlices: () => void },
): Promise<void> {
  const terminal = await accept(listener, options.timeoutMs);
  useUsualSlices();
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
  const { withDeadline } = await import("../../deadline.js");
  return withDeadline({ timeoutMs, signal: undefined, timedOut }, (signal) => listener.accept({ signal }));
}
