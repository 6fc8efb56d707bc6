// The receiving end of --console-socket on one connection: one message, one descriptor, the master of a PTY.
import { setTimeout as delay } from "node:timers/promises";
import { OwnedFd, type UnixSocket } from "cmsg";
import { type ConsoleDelivery, type ConsoleEvent, type Credentials, closeQuietly } from "cmsg-native";
import { PtyConsole } from "../console/pty-console.js";
import { checkConsoleOptions, type PtyConsoleOptions } from "../console/pty-console-options.js";
import { withDeadline } from "../deadline.js";
import { publish } from "../diagnostics.js";
import { ConsoleSocketError } from "../errors.js";
import { checks, checkTimeout } from "../options.js";
import { type Received, receivedOf } from "./received.js";
import { Reception } from "./reception.js";

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
  let peer: Credentials;
  try {
    checkReceiveOptions(options);
    peer = socket.peerCredentials();
  } catch (error) {
    closeQuietly(() => socket.close());
    throw error;
  }
  return consoleOf(await receiveMaster(socket, options), peer, options);
}

/** A master from `socket`, which is taken, with options that were checked. Throws as `receiveConsole`. */
async function receiveMaster(socket: UnixSocket, options: ReceiveConsoleOptions): Promise<Received> {
  const connection = new OwnedFd(socket.release(), { untrusted: true });
  try {
    using reception = new Reception(options);
    return await receiveFrom(reception, connection.fd, options);
  } finally {
    closeQuietly(() => connection.close());
  }
}

/**
 * One console from `connection`, borrowed, with options that were checked. Throws as `receiveConsole`.
 *
 * @param accepted what came with it, for a connection that the reception has accepted
 */
export async function receiveFrom(
  reception: Reception,
  connection: number,
  { signal, silentPeerTimeoutMs = DEFAULT_TIMEOUT_MS }: ReceiveConsoleOptions,
  accepted?: ConsoleEvent,
): Promise<Received> {
  const first = accepted?.delivery;
  if (first && !isFull(first)) return receivedOf(first);
  const timedOut = (): ConsoleSocketError => silentPeer(silentPeerTimeoutMs);
  const limits = { timeoutMs: silentPeerTimeoutMs, signal, timedOut };
  const delivery = await withDeadline(limits, async (deadline, stopTimer) => {
    const begin = accepted ? reception.delivery.bind(reception) : reception.receive.bind(reception);
    let delivery = first ?? (await begin(connection, deadline));
    while (isFull(delivery)) {
      // The message stays in the socket, no event tells when there is room, and a peer whose message is here was not
      // silent.
      stopTimer();
      await delay(DESCRIPTOR_RETRY_MS, undefined, { signal: deadline });
      delivery = await reception.receive(connection, deadline);
    }
    return delivery;
  });
  return receivedOf(delivery);
}

/** The console of what was received; it is told to who watches. Closes the master when it throws. */
export function consoleOf(
  { name, master, size }: Received,
  peer: Credentials,
  { onHangup }: Pick<PtyConsoleOptions, "onHangup">,
): PtyConsole {
  const terminal = PtyConsole.create(master, size, { name, peer, onHangup });
  publish("receive", master.fd, { name, peer });
  return terminal;
}

/** Whether this process had no number left for the descriptor. */
function isFull({ error }: ConsoleDelivery): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === "EMFILE";
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
