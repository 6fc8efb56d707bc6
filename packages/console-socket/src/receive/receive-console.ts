// The receiving end of --console-socket on one connection: one message, one descriptor, the master of a PTY.
import { setTimeout as delay } from "node:timers/promises";
import { CmsgError, recvFile, type UnixSocket } from "cmsg";
import { PtyConsole } from "../console/pty-console.js";
import { checkConsoleOptions, type PtyConsoleOptions } from "../console/pty-console-options.js";
import { safeName } from "../console/safe-text.js";
import { withDeadline } from "../deadline.js";
import { publish } from "../diagnostics.js";
import { ConsoleSocketError } from "../errors.js";

export interface ReceiveConsoleOptions extends Pick<PtyConsoleOptions, "initialSize" | "onHangup"> {
  /** A peer that sent nothing after this time is refused: ERR_CONSOLE_TIMEOUT. 10000 by default; 0 waits for ever. */
  silentPeerTimeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DESCRIPTOR_RETRY_MS = 50;

/**
 * Receives the console that the peer of `socket` sends, and closes the socket, which it takes: in every case.
 *
 * @throws ConsoleSocketError ERR_CONSOLE_NONE, ERR_CONSOLE_TIMEOUT, ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED,
 * ERR_CONSOLE_INVALID_ARG; CmsgError ERR_CMSG_NO_FD, ERR_CMSG_FD_COUNT, ERR_CMSG_NAME_TOO_LONG, ERR_CMSG_TRUNCATED;
 * ECONNRESET …; the signal's reason. Whatever came with a refused message is closed.
 */
export async function receiveConsole(socket: UnixSocket, options: ReceiveConsoleOptions = {}): Promise<PtyConsole> {
  using _connection = socket;
  checkConsoleOptions(options);
  const { initialSize, onHangup } = options;
  const peer = socket.peerCredentials();
  const { name, fd } = await receiveInTime(socket, options);
  try {
    const terminal = PtyConsole.fromFd(fd, { name: safeName(name), peer, initialSize, onHangup });
    publish("receive", fd.fd, { name: terminal.name, peer });
    return terminal;
  } catch (error) {
    fd.close();
    throw error;
  }
}

// While this process has no room for a descriptor the message stays where it is, and no event tells when there is.
async function recvFileWithRoom(
  socket: UnixSocket,
  signal: AbortSignal,
  onArrived: () => void,
): ReturnType<typeof recvFile> {
  for (;;) {
    try {
      return await recvFile(socket, { signal });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EMFILE") throw error;
      onArrived();
      await delay(DESCRIPTOR_RETRY_MS, undefined, { signal });
    }
  }
}

async function receiveInTime(
  socket: UnixSocket,
  { signal, silentPeerTimeoutMs = DEFAULT_TIMEOUT_MS }: ReceiveConsoleOptions,
): ReturnType<typeof recvFile> {
  const timeoutMs = silentPeerTimeoutMs === 0 ? Number.POSITIVE_INFINITY : silentPeerTimeoutMs;
  const timedOut = (): ConsoleSocketError =>
    new ConsoleSocketError(
      "ERR_CONSOLE_TIMEOUT",
      `Expected a console; the peer connected and sent nothing for ${silentPeerTimeoutMs} ms.`,
    );
  try {
    // A peer whose message is here was not silent, however long there is no room for what it sent.
    return await withDeadline({ timeoutMs, signal, timedOut }, (either, stopTimer) =>
      recvFileWithRoom(socket, either, stopTimer),
    );
  } catch (error) {
    if (error instanceof CmsgError && error.code === "ERR_CMSG_EOF") {
      throw new ConsoleSocketError(
        "ERR_CONSOLE_NONE",
        "Expected a console; the peer closed the connection without one. The runtime's own message says why.",
        { cause: error },
      );
    }
    throw error;
  }
}
