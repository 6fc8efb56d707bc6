// The receiving end of --console-socket on one connection: one message, one descriptor, the master of a PTY.
import { setTimeout as delay } from "node:timers/promises";
import { CmsgError, recvFile, type UnixSocket } from "cmsg";
import type { Credentials } from "cmsg-native";
import { PtyConsole } from "../console/pty-console.js";
import { checkConsoleOptions, type PtyConsoleOptions } from "../console/pty-console-options.js";
import { safeName } from "../console/safe-text.js";
import { withDeadline } from "../deadline.js";
import { publish } from "../diagnostics.js";
import { ConsoleSocketError } from "../errors.js";
import { checks, checkTimeout } from "../options.js";

export interface ReceiveConsoleOptions extends Pick<PtyConsoleOptions, "initialSize" | "onlcr" | "onHangup"> {
  /**
   * Refuses a peer that has sent nothing after this time, with ERR_CONSOLE_TIMEOUT: 1 to 2147483647 ms (default 10000), or
   * Infinity to wait without a limit. 0 is refused: it would be no peer's time.
   */
  silentPeerTimeoutMs?: number | undefined;
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DESCRIPTOR_RETRY_MS = 50;

/**
 * Receives one console from an already connected `UnixSocket`. Takes ownership of the socket and closes it in every case.
 *
 *     const [ours, theirs] = UnixSocket.pair(); // theirs is what the init gets
 *     const terminal = await receiveConsole(ours);
 *
 * @throws ConsoleSocketError ERR_CONSOLE_NONE, ERR_CONSOLE_TIMEOUT, ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED,
 * ERR_CONSOLE_INVALID_ARG; CmsgError ERR_CMSG_NO_FD, ERR_CMSG_FD_COUNT, ERR_CMSG_NAME_TOO_LONG, ERR_CMSG_TRUNCATED;
 * ECONNRESET …; the signal's reason. Whatever came with a refused message is closed.
 */
export async function receiveConsole(socket: UnixSocket, options: ReceiveConsoleOptions = {}): Promise<PtyConsole> {
  try {
    checkReceiveOptions(options);
    return await receiveFrom(socket, socket.peerCredentials(), options);
  } finally {
    closeServed(socket);
  }
}

/** Closes a connection that has served. What close(2) answers does not matter: the number is free, the console is here. */
export function closeServed(connection: UnixSocket): void {
  try {
    connection.close();
  } catch {
    // EIO, EDQUOT …: of nothing that anyone waits for.
  }
}

/** One console from `socket`, borrowed, whose peer is known, with options that were checked. Throws as `receiveConsole`. */
export async function receiveFrom(
  socket: UnixSocket,
  peer: Credentials,
  { initialSize, onlcr, onHangup, signal, silentPeerTimeoutMs = DEFAULT_TIMEOUT_MS }: ReceiveConsoleOptions,
): Promise<PtyConsole> {
  const timedOut = (): ConsoleSocketError => silentPeer(silentPeerTimeoutMs);
  try {
    const limits = { timeoutMs: silentPeerTimeoutMs, signal, timedOut };
    const { name, fd } = await withDeadline(limits, async (deadline, stopTimer) => {
      for (;;) {
        try {
          return await recvFile(socket, { signal: deadline });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EMFILE") throw error;
          // This process has no number left for the descriptor. The message stays in the socket, no event tells when
          // there is room, and a peer whose message is here was not silent.
          stopTimer();
          await delay(DESCRIPTOR_RETRY_MS, undefined, { signal: deadline });
        }
      }
    });
    const terminal = PtyConsole.create(fd, { name: safeName(name), peer, initialSize, onlcr, onHangup });
    publish("receive", fd.fd, { name: terminal.name, peer });
    return terminal;
  } catch (error) {
    throw refusal(error);
  }
}

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG */
export function checkReceiveOptions(options: ReceiveConsoleOptions): void {
  checkConsoleOptions(options);
  checkTimeout("silentPeerTimeoutMs", options.silentPeerTimeoutMs);
  checks.abortSignal(options.signal);
}

function silentPeer(timeoutMs: number): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_TIMEOUT",
    `Expected a console; the peer connected and sent nothing for ${timeoutMs} ms.`,
  );
}

/** What the caller is told of a failed receive: a close without a message has a code of its own here. */
function refusal(error: unknown): unknown {
  if (!(error instanceof CmsgError && error.code === "ERR_CMSG_EOF")) return error;
  return new ConsoleSocketError(
    "ERR_CONSOLE_NONE",
    "Expected a console; the peer closed the connection without one. The runtime's own message says why.",
    { cause: error },
  );
}
