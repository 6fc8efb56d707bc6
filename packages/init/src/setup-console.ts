import { type Fd, OwnedFd } from "cmsg";
import { closeQuietly, native } from "cmsg-native";
import { InitError } from "./errors.js";

/**
 * Makes a terminal this process's own: its session's controlling terminal, and its standard input, output and error.
 * What it starts with `stdio: "inherit"` runs on that terminal. `peer` is taken: it is closed.
 *
 * The process must not lead a process group other than its session's, and must have no controlling terminal: that is so
 * for a child of `spawn` with `detached: true`, and for what a container runtime starts. Call it before anything touches
 * `process.stdin`, `process.stdout` or `console`: Node looks once at what they are.
 *
 * @throws InitError ERR_INIT_SESSION; ENOTTY, EPERM (another session's terminal) …
 */
export function setupConsole(peer: Fd): void {
  const terminal = typeof peer === "number" ? new OwnedFd(peer, { untrusted: true }) : peer;
  try {
    if (native.getSession(0) !== process.pid) leadSession();
    takeTerminal(terminal.fd);
    for (const standard of [0, 1, 2]) native.duplicateTo(terminal.fd, standard);
  } finally {
    // Were it one of the three itself, closing would undo the work.
    if (terminal.fd <= 2) terminal.release();
    else closeQuietly(() => terminal.close());
  }
}

function leadSession(): void {
  try {
    native.newSession();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
    throw new InitError(
      "ERR_INIT_SESSION",
      "Expected to begin a session; this process leads a process group, as a shell's job does. Start it with detached: true.",
      { cause: error },
    );
  }
}

function takeTerminal(fd: number): void {
  try {
    native.setControllingTerminal(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
    throw new InitError(
      "ERR_INIT_SESSION",
      "Expected a session without a terminal, and a terminal without a session; one of them has. Start it with detached: true.",
      { cause: error },
    );
  }
}
