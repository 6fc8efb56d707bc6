// A program on a terminal, by each of the libraries that are compared: the same four things of all of them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { ReadStream, WriteStream } from "node:tty";
import { PtyConsole } from "../../packages/console-socket/dist/index.js";
import { openPty } from "../../packages/init/dist/index.js";

/** @returns {{onData, write, ended, close}}: write gives a promise of room, `ended` resolves behind the last byte. */
export const kinds = {
  "console-socket"(argv) {
    const { ptmx, child } = onPeer(argv);
    const console = PtyConsole.fromFd(ptmx);
    return {
      onData: (take) => console.on("data", take),
      write: async (data) => console.write(data) || once(console, "drain"),
      ended: Promise.all([once(console, "close"), child]),
      close: () => console.destroy(),
    };
  },
  "tty.ReadStream"(argv) {
    const { ptmx, child } = onPeer(argv);
    const output = new ReadStream(ptmx.dup().release());
    const input = new WriteStream(ptmx.release());
    input.on("error", () => undefined);
    const ended = Promise.all([new Promise((resolve) => output.on("error", resolve).on("close", resolve)), child]);
    return {
      onData: (take) => output.on("data", take),
      write: async (data) => input.write(data) || once(input, "drain"),
      ended,
      close() {
        output.destroy();
        input.destroy();
      },
    };
  },
  "node-pty"([file, ...args]) {
    const { spawn } = createRequire(import.meta.url)("node-pty");
    const pty = spawn(file, args, { encoding: null });
    return {
      onData: (take) => pty.onData(take),
      // It has no back-pressure to wait for.
      write: async (data) => pty.write(data),
      ended: new Promise((resolve) => pty.onExit(resolve)),
      close: () => pty.kill("SIGKILL"),
    };
  },
};

function onPeer([file, ...args]) {
  const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx", size: { columns: 80, rows: 24 } });
  const program = spawn(file, args, { stdio: [peer.fd, peer.fd, peer.fd], detached: true });
  peer.close();
  return { ptmx, child: once(program, "exit") };
}
