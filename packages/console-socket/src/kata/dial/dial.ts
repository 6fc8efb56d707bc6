// Connecting to an agent, which may still be booting: again and again, until it answers or the time is up.
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { UnixSocket } from "cmsg";
import { VsockStream } from "cmsg/vsock";
import { withDeadline } from "../../deadline.js";
import { ConsoleSocketError } from "../../errors.js";
import { checks, checkTimeout } from "../../options.js";
import { type AgentAddress, agentAddressText, parseAgentAddress } from "../address/agent-address.js";
import { asStream } from "./as-stream.js";
import { connectThrough } from "./hybrid-vsock.js";

export interface DialOptions {
  /** Ends the dialling, at any point of it. */
  signal?: AbortSignal | undefined;
  /**
   * How long to go on trying: 1 to 2147483647 ms (default 15000, as Kata 1.x; 2.x has 30000), or Infinity until the signal.
   */
  timeoutMs?: number | undefined;
}

export const DIAL_TIMEOUT_MS = 15_000;
const FIRST_PAUSE_MS = 10;
const MAX_PAUSE_MS = 500;

// What a guest that boots, or a hypervisor that starts, answers until it is ready. Everything else stays as it is.
const RETRIED = new Set([
  "ENOENT",
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOTCONN",
  "EAGAIN",
  "EINTR",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENODEV",
  "ENOBUFS",
  "ERR_CONSOLE_NO_LISTENER",
  "ERR_CONSOLE_TIMEOUT",
]);

/**
 * Connects to an agent, or to anything else at such an address: a stream of bytes. While nobody answers there it tries
 * again, with pauses of 10 to 500 ms, until `timeoutMs` have passed. It does not try again where that cannot help: a
 * malformed address, EACCES, EPERM, EAFNOSUPPORT, EPROTOTYPE, ENOTDIR, EMFILE, and a socket that gives another answer than
 * a hypervisor's.
 *
 * @throws ConsoleSocketError ERR_CONSOLE_ADDRESS, ERR_CONSOLE_INVALID_ARG; ERR_CONSOLE_UNREACHABLE: the time is up, and
 * `cause` is what the latest try met; ERR_CONSOLE_HANDSHAKE; a system call's error, such as EACCES; the signal's reason.
 */
export async function dial(
  address: string | AgentAddress,
  { signal, timeoutMs = DIAL_TIMEOUT_MS }: DialOptions = {},
): Promise<Duplex> {
  const target = typeof address === "string" ? parseAgentAddress(address) : checkedAddress(address);
  checkTimeout("timeoutMs", timeoutMs);
  checks.abortSignal(signal);
  let latest: unknown;
  const timedOut = (): ConsoleSocketError => unreachable(target, timeoutMs, latest);
  return withDeadline({ timeoutMs, signal, timedOut }, async (deadline) => {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
      try {
        return await connectOnce(target, deadline);
      } catch (error) {
        if (!RETRIED.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
        latest = error;
      }
      await delay(pause, undefined, { signal: deadline });
    }
  });
}

/** A connection by one try. */
async function connectOnce(target: AgentAddress, signal: AbortSignal): Promise<Duplex> {
  if (target.scheme === "vsock") return VsockStream.connect(target, { signal });
  const socket = await UnixSocket.connect(target.path, { signal });
  if (target.scheme === "hvsock") return connectThrough(socket, target.port, signal);
  return asStream(socket);
}

// From code that was not checked by a compiler.
function checkedAddress(address: AgentAddress): AgentAddress {
  return parseAgentAddress(agentAddressText(address));
}

function unreachable(target: AgentAddress, timeoutMs: number, cause: unknown): ConsoleSocketError {
  const why = cause instanceof Error ? `; the latest try: ${cause.message}` : "";
  return new ConsoleSocketError(
    "ERR_CONSOLE_UNREACHABLE",
    `Expected somebody at ${agentAddressText(target)} within ${timeoutMs / 1000} s${why}`,
    { cause },
  );
}
