// A hypervisor's Unix socket in place of AF_VSOCK (Firecracker, Cloud Hypervisor, Dragonball, vhost-device-vsock).
//
//   > CONNECT 1024\n     in one write: some read no second time
//   < OK 1073741824\n    the number is the hypervisor's own, and means nothing here
//
// From then on the connection is the guest's. What came with the line belongs to it. Where nobody listens on the port,
// the hypervisor closes.
import type { UnixSocket, UnixStream } from "cmsg";
import { withDeadline } from "../../deadline.js";
import { ConsoleSocketError } from "../../errors.js";
import { asStream } from "./as-stream.js";

/** How long a hypervisor may take for its answer. Some versions lose the request, and never give one. */
const ANSWER_TIMEOUT_MS = 10_000;

// "OK 4294967295\n" has 14 bytes. No more than this is taken from the socket before the line is known.
const MAX_LINE_BYTES = 32;

/**
 * Reads the hypervisor's answer.
 *
 * @returns what came behind the line
 * @throws ConsoleSocketError ERR_CONSOLE_HANDSHAKE: the answer is another; ERR_CONSOLE_NO_LISTENER: it closed;
 * ERR_CONSOLE_TIMEOUT; CmsgError ERR_CMSG_FD_COUNT; the signal's reason
 */
export async function readAnswer(
  socket: UnixSocket,
  signal: AbortSignal | undefined,
  timeoutMs: number = ANSWER_TIMEOUT_MS,
): Promise<{ hostPort: number; rest: Buffer }> {
  const timedOut = (): ConsoleSocketError =>
    new ConsoleSocketError(
      "ERR_CONSOLE_TIMEOUT",
      `Expected OK from the hypervisor; it took the connection and did not answer within ${timeoutMs / 1000} s.`,
    );
  return withDeadline({ timeoutMs, signal, timedOut }, async (deadline) => {
    let seen = Buffer.alloc(0);
    for (;;) {
      const end = seen.indexOf("\n");
      if (end !== -1) return { hostPort: hostPortOf(seen.subarray(0, end)), rest: seen.subarray(end + 1) };
      if (seen.length >= MAX_LINE_BYTES) throw unexpected(seen);
      const length = MAX_LINE_BYTES - seen.length;
      const message = await socket.receive({ length, maxFds: 0, signal: deadline });
      if (!message) throw seen.length > 0 ? unexpected(seen) : closed();
      seen = Buffer.concat([seen, message.data]);
    }
  });
}

/** Asks for a port of the guest on a connected `socket`, which is taken, also on failure. */
export async function connectThrough(socket: UnixSocket, port: number, signal: AbortSignal): Promise<UnixStream> {
  try {
    await socket.send(Buffer.from(`CONNECT ${port}\n`), [], { signal });
    const { rest } = await readAnswer(socket, signal);
    const stream = asStream(socket);
    if (rest.length > 0) stream.unshift(rest);
    return stream;
  } finally {
    socket.close();
  }
}

function hostPortOf(line: Buffer): number {
  const [, digits] = line.toString("latin1").match(/^OK ([0-9]+)$/) ?? [];
  if (digits === undefined) throw unexpected(line);
  return Number(digits);
}

function unexpected(seen: Buffer): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_HANDSHAKE",
    `Expected "OK" and a number from a hypervisor's socket; it answered ${JSON.stringify(seen.toString("latin1"))}. ` +
      "Is this the path of a hybrid vsock, and not of the agent itself?",
  );
}

function closed(): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_NO_LISTENER",
    "The hypervisor closed the connection without an answer, as it does where nobody in the guest listens on the port.",
  );
}
