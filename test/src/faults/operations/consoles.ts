// Consoles that are sent, received, used and attached to while system calls fail.
import { once } from "node:events";
import { writeSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import { type OwnedFd, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import { openPty, sendConsole, spawnConsole } from "console-init";
import { attach, listen, PtyConsole, receiveConsole } from "console-socket";
import { ending, expect, type Operation, together } from "./expect.js";

/** Both directions, the size and the end of a console whose terminal is `peer`. */
async function use(console: PtyConsole, peer: OwnedFd): Promise<void> {
  using _console = ending(console);
  let shown = "";
  console.on("data", (bytes) => {
    shown += bytes;
  });
  const closed = once(console, "close");
  console.resize(100, 30);
  console.setOnlcr(false);
  console.write("typed\n");
  console.end();
  // Not before it is typed: what is written to a terminal nobody has open is dropped.
  await Promise.race([once(console, "finish"), closed]);
  peer.close();
  await closed;
  // The terminal echoes a moment later, and the hangup can cut that.
  expect("typed\n".startsWith(shown.replace("\r", "")), `an echo, not ${JSON.stringify(shown)}`);
}

async function terminal(path: string): Promise<void> {
  using listener = await listen(path, { silentPeerTimeoutMs: Number.POSITIVE_INFINITY });
  using pty = openPty({ ptmx: "/dev/ptmx", initialSize: { columns: 80, rows: 24 } });
  const refused = once(listener, "refused").then(([{ error }]) => Promise.reject(error));
  refused.catch(() => undefined);
  let console: PtyConsole | undefined;
  await Promise.race([
    refused,
    together(
      [
        sendConsole(path, pty.ptmx),
        listener.accept().then((accepted) => {
          console = accepted;
        }),
      ],
      () => listener.close(),
    ),
  ]);
  pty.ptmx.close();
  if (console) await use(console, pty.peer);
}

async function overPair(): Promise<void> {
  const [one, other] = UnixSocket.pair();
  using _one = one;
  using _other = other;
  using pty = openPty({ ptmx: "/dev/ptmx" });
  await sendConsole(one, pty.ptmx);
  const console = await receiveConsole(other);
  using _console = ending(console);
  pty.ptmx.close();
  using released = console.release();
  native.getPtyNumber(released.fd);
}

async function spawned(place: string): Promise<void> {
  const process = spawnConsole("sh", ["-c", "exit 3", place], { hold: true, initialSize: { columns: 80, rows: 24 } });
  using _socket = process.socket;
  let whole = false;
  try {
    const console = await receiveConsole(process.socket);
    using _console = ending(console);
    console.resume();
    const closed = once(console, "close");
    closed.catch(() => undefined);
    await process.ready;
    await process.go();
    await closed;
    whole = true;
  } finally {
    if (!whole) process.kill("SIGKILL");
    const { code: status, signal, stderr } = await process.exited;
    // EIO of a read says that the program has left its terminal: the console's end is the hangup of one that has not.
    if (whole) expect(status === 3 || signal === "SIGHUP", `status 3, not ${signal ?? status}: ${stderr}`);
  }
}

/** Somebody at a terminal types a line for a program, which echoes it and ends. */
async function attached(): Promise<void> {
  using person = openPty({ ptmx: "/dev/ptmx", initialSize: { columns: 100, rows: 30 } });
  using program = openPty({ ptmx: "/dev/ptmx" });
  const console = PtyConsole.fromFd(program.ptmx);
  using _console = ending(console);
  let shown = "";
  const echoed = new Promise<void>((resolve) => {
    console.on("data", (bytes) => {
      shown += bytes;
      if (shown.includes("typed")) resolve();
    });
  });
  using input = ending(new ReadStream(person.peer.fd));
  using output = ending(new WriteStream(person.peer.fd));
  const attaching = attach(console, { stdin: input.stream, stdout: output.stream, detachKeys: "ctrl-p,ctrl-q" });
  writeSync(person.ptmx.fd, "typed\n");
  await Promise.race([echoed, attaching]);
  program.peer.close();
  expect((await attaching) === "ended", "the end of the program");
}

export const consoles: Readonly<Record<string, Operation>> = {
  "console over a listener": terminal,
  "console over a pair": overPair,
  spawnConsole: spawned,
  attach: attached,
};
