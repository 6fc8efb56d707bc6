// `console-socket SOCKET`: a drop-in for recvtty, the receiver of runc's own tests.
import { writeFileSync } from "node:fs";
import { type ConsoleListener, listen } from "../listener.js";
import type { WindowSize } from "../window-size.js";
import type { Options } from "./options.js";
import { restoreWhileStopped, tidyBeforeDying } from "./signals.js";

export async function receive({ mode, pidFile, stdin, socket }: Options, warn: (line: string) => void): Promise<void> {
  // Scripts take the file for the sign that this process is about to listen, as recvtty writes it.
  if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}`);
  const address = socket.startsWith("@") ? { abstract: socket.slice(1) } : socket;
  const listener = await listen(address, { initialSize: mode === "single" ? sizeOf(process.stdout) : undefined });
  tidyBeforeDying(() => {
    listener.close();
    tidyTerminal();
  });
  listener.on("refused", ({ error }) => warn(`refused a peer on ${listener.path}: ${error.message}`));
  if (mode === "null") await drainAll(listener);
  else await connectOne(listener, stdin);
}

let tidyTerminal = (): void => undefined;

async function drainAll(listener: ConsoleListener): Promise<void> {
  for await (const console of listener) {
    // Its error is its end; nobody is here to be told, and the others go on.
    console.on("error", () => undefined).resume();
  }
}

async function connectOne(listener: ConsoleListener, withStdin: boolean): Promise<void> {
  const console = await listener.accept();
  const onTerminal = withStdin && process.stdin.isTTY && process.stdout.isTTY;
  // In raw mode this terminal passes newlines as they are, and the container's has to make CR LF of them. Everywhere else
  // they would come out doubled.
  // Before anything that takes time: a shell keeps the settings it finds at its start.
  if (!onTerminal) console.setOnlcr(false);
  listener.close();
  const { attach } = await import("../attach.js");
  await attach(console, {
    stdin: withStdin ? process.stdin : null,
    onRaw: (terminal) => {
      tidyTerminal = () => terminal.restore();
      restoreWhileStopped(terminal);
    },
  });
}

function sizeOf({ isTTY, columns, rows }: typeof process.stdout): WindowSize | undefined {
  return isTTY && columns > 0 ? { columns, rows } : undefined;
}
