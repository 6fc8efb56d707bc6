// The receiving end of --console-socket on one connection: one message, one descriptor, the master of a PTY.
import { CmsgError, type OwnedFd, recvFile, type UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import { safeName } from "./console-name.js";
import { ConsoleSocketError } from "./errors.js";
import { checkMaster } from "./master.js";
import { PtyConsole } from "./pty-console.js";
import { checkWindowSize, type WindowSize } from "./window-size.js";

export interface ReceiveConsoleOptions {
  /**
   * The window size to set before anything else happens: the program may ask for it at once. Without it a size that the
   * runtime set stays, and 0x0 becomes 80x24.
   */
  initialSize?: WindowSize | undefined;
  /** A peer that sent nothing after this time is refused: ERR_CONSOLE_TIMEOUT. 10000 by default; 0 waits for ever. */
  silentPeerTimeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const DEFAULT_SIZE: WindowSize = { columns: 80, rows: 24 };
const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Receives the console that the peer of `socket` sends, and closes the socket, which it takes: in every case.
 *
 * @throws ConsoleSocketError ERR_CONSOLE_NONE, ERR_CONSOLE_TIMEOUT, ERR_CONSOLE_NOT_A_PTY, ERR_CONSOLE_TAMPERED,
 * ERR_CONSOLE_INVALID_ARG; CmsgError ERR_CMSG_NO_FD, ERR_CMSG_FD_COUNT, ERR_CMSG_NAME_TOO_LONG, ERR_CMSG_TRUNCATED;
 * ECONNRESET …; the signal's reason. Whatever came with a refused message is closed.
 */
export async function receiveConsole(socket: UnixSocket, options: ReceiveConsoleOptions = {}): Promise<PtyConsole> {
  using _connection = socket;
  if (options.initialSize) checkWindowSize(options.initialSize);
  const peer = socket.peerCredentials();
  const { name, fd } = await receiveInTime(socket, options);
  try {
    checkMaster(fd.fd);
    setInitialSize(fd, options.initialSize);
    return PtyConsole.fromFd(fd, { name: safeName(name), peer });
  } catch (error) {
    fd.close();
    throw error;
  }
}

async function receiveInTime(
  socket: UnixSocket,
  { signal, silentPeerTimeoutMs = DEFAULT_TIMEOUT_MS }: ReceiveConsoleOptions,
): ReturnType<typeof recvFile> {
  const timeout = new AbortController();
  const timer = silentPeerTimeoutMs > 0 ? setTimeout(() => timeout.abort(), silentPeerTimeoutMs) : undefined;
  try {
    return await recvFile(socket, { signal: signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal });
  } catch (error) {
    if (timeout.signal.aborted && !signal?.aborted) {
      throw new ConsoleSocketError(
        "ERR_CONSOLE_TIMEOUT",
        `Expected a console; the peer connected and sent nothing for ${silentPeerTimeoutMs} ms.`,
      );
    }
    if (error instanceof CmsgError && error.code === "ERR_CMSG_EOF") {
      throw new ConsoleSocketError(
        "ERR_CONSOLE_NONE",
        "Expected a console; the peer closed the connection without one. The runtime's own message says why.",
        { cause: error },
      );
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// Within the receive itself: a program that asks for its size at its start asks within milliseconds of this.
function setInitialSize(master: OwnedFd, wanted: WindowSize | undefined): void {
  const { columns, rows } = native.getWindowSize(master.fd);
  const size = wanted ?? (columns === 0 && rows === 0 ? DEFAULT_SIZE : undefined);
  if (size) native.setWindowSize(master.fd, size.columns, size.rows);
}
