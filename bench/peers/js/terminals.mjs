// A terminal by each of the libraries that are compared: over the ptmx on descriptor 3, or with a program of its own.
// Each gives {onData, write, ended, close}: `write` a promise of room, `ended` resolves behind the last byte.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { ReadStream, WriteStream } from "node:tty";
import { OwnedFd } from "../../../packages/cmsg/dist/index.js";
import { PtyConsole } from "../../../packages/console-socket/dist/index.js";
import { openPty } from "../../../packages/init/dist/index.js";

/** The terminal whose ptmx is descriptor 3; node-pty takes no descriptor of another's and starts the program itself. */
export function given(kind, argv) {
  return kind === "node-pty" ? started(kind, argv) : over[kind](3);
}

/** A terminal with a program that is started here. */
export function started(kind, argv) {
  if (kind === "node-pty") return nodePty(argv);
  const { ptmx, peer } = openPty({ ptmx: "/dev/ptmx", initialSize: { columns: 80, rows: 24 } });
  const program = spawn(argv[0], argv.slice(1), { stdio: [peer.fd, peer.fd, peer.fd], detached: true });
  peer.close();
  const terminal = over[kind](ptmx.release());
  return { ...terminal, ended: Promise.all([terminal.ended, once(program, "exit")]) };
}

const over = {
  "console-socket"(fd) {
    const terminal = PtyConsole.fromFd(fd);
    return {
      onData: (take) => terminal.on("data", take),
      write: async (data) => terminal.write(data) || once(terminal, "drain"),
      ended: once(terminal, "close"),
      close: () => terminal.destroy(),
    };
  },
  "tty.ReadStream"(fd) {
    const input = new WriteStream(new OwnedFd(fd).dup().release());
    const output = new ReadStream(fd);
    input.on("error", () => undefined);
    return {
      onData: (take) => output.on("data", take),
      write: async (data) => input.write(data) || once(input, "drain"),
      ended: new Promise((resolve) => output.on("error", resolve).on("close", resolve)),
      close() {
        output.destroy();
        input.destroy();
      },
    };
  },
};

function nodePty([file, ...args]) {
  const { spawn } = createRequire(import.meta.url)("node-pty");
  const pty = spawn(file, args, { encoding: null });
  return {
    onData: (take) => pty.onData(take),
    write: async (data) => pty.write(data), // it has no back-pressure to wait for
    ended: new Promise((resolve) => pty.onExit(resolve)),
    close: () => pty.kill("SIGKILL"),
  };
}
