// Where the agent of a running sandbox is: its shim says so, over HTTP on a socket of its own (GET /agent-url).
import { request } from "node:http";
import { UnixSocket, type UnixStream } from "cmsg";
import { withDeadline } from "../../deadline.js";
import { ConsoleSocketError } from "../../errors.js";
import { checks, checkTimeout } from "../../options.js";
import { asStream } from "../dial/as-stream.js";

/** Where shims have their directories: the Go runtime's, then the Rust runtime's. */
const ROOTS = ["/run/vc/sbs", "/run/kata"] as const;

const MAX_ANSWER_BYTES = 4096;

export interface SandboxOptions {
  /** The directory that holds one for each sandbox. `/run/vc/sbs`, then `/run/kata` by default. */
  root?: string | undefined;
  /** How long the shim may take: 1 to 2147483647 ms (default 3000), or Infinity for no limit. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The address of a sandbox's agent, for `dial`, `openDebugConsole` and the agent's client.
 *
 * @param id the whole ID of a sandbox, as `crictl pods --no-trunc` shows it
 * @throws ConsoleSocketError ERR_CONSOLE_SANDBOX: there is no such sandbox, or its shim does not tell;
 * ERR_CONSOLE_INVALID_ARG; EACCES: the sockets are root's; the signal's reason.
 */
export async function sandboxAgentUrl(
  id: string,
  { root, timeoutMs = 3000, signal }: SandboxOptions = {},
): Promise<string> {
  // It becomes a part of a path.
  if (typeof id !== "string" || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id)) {
    throw new ConsoleSocketError(
      "ERR_CONSOLE_INVALID_ARG",
      `A sandbox's ID has letters, digits, and _ . - behind the first one, not ${JSON.stringify(id)}.`,
    );
  }
  checkTimeout("timeoutMs", timeoutMs);
  checks.abortSignal(signal);
  const paths = (root === undefined ? ROOTS : [root]).map((directory) => `${directory}/${id}/shim-monitor.sock`);
  let asked = "";
  const timedOut = (): ConsoleSocketError => silent(asked, `did not answer within ${timeoutMs / 1000} s`);
  return withDeadline({ timeoutMs, signal, timedOut }, async (deadline) => {
    for (const path of paths) {
      asked = path;
      try {
        using socket = await UnixSocket.connect(path, { signal: deadline });
        return await ask(path, asStream(socket), deadline);
      } catch (error) {
        if (!["ENOENT", "ENOTDIR", "ECONNREFUSED"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      }
    }
    throw new ConsoleSocketError(
      "ERR_CONSOLE_SANDBOX",
      `Expected a running sandbox ${id}: nobody listens on ${paths.join(" or ")}.`,
    );
  });
}

function ask(path: string, stream: UnixStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      stream.destroy();
      reject(error);
    };
    const sent = request({
      path: "/agent-url",
      headers: { host: "shim", connection: "close" },
      createConnection: () => stream,
      signal,
    });
    sent.on("error", (error) => fail(signal.aborted ? error : silent(path, `does not speak HTTP: ${error.message}`)));
    sent.on("response", (response) => {
      let body = "";
      response.setEncoding("latin1");
      response.on("data", (text: string) => {
        body += text;
        if (body.length > MAX_ANSWER_BYTES) fail(silent(path, `sent more than ${MAX_ANSWER_BYTES} bytes`));
      });
      response.on("error", fail);
      response.on("end", () => {
        stream.destroy();
        if (response.statusCode === 200 && body.trim() !== "") resolve(body.trim());
        else fail(silent(path, `answered with status ${response.statusCode}`));
      });
    });
    sent.end();
  });
}

function silent(path: string, what: string): ConsoleSocketError {
  return new ConsoleSocketError(
    "ERR_CONSOLE_SANDBOX",
    `Expected an agent's address from the shim at ${path}; it ${what}.`,
  );
}
