// `console-socket attach ADDRESS`: the debug console of a virtual machine in this terminal, or the terminal of a
// container's process there.
import type { Console } from "../../console/console.js";
import { sandboxAgentUrl } from "../../kata/address/sandbox.js";
import { openDebugConsole } from "../../kata/agent/debug-console.js";
import { shellStatus } from "../../process/exit-status.js";
import { Copies } from "../copies.js";
import type { AttachCommandOptions } from "../options.js";
import type { Report } from "../report.js";
import { tidyBeforeDying } from "../signals.js";
import { connect, initialSize } from "../terminal.js";

const SANDBOX = "sandbox:";

interface Attached {
  terminal: Console;
  /** As a shell has it: of the process, once the console has ended. */
  status(): Promise<number>;
  close(): void;
}

export async function attach(options: AttachCommandOptions, report: Report): Promise<number> {
  const { address, detachKeys } = options;
  if (detachKeys !== undefined) (await import("../../attach/detach-keys.js")).parseDetachKeys(detachKeys);
  const agent = address.startsWith(SANDBOX) ? await sandboxAgentUrl(address.slice(SANDBOX.length)) : address;
  const copies = await Copies.open(options);
  const dying = new AbortController();
  tidyBeforeDying(async () => {
    dying.abort();
    await copies.finish();
  });
  const { terminal, status, close } = await (options.container ? containerConsole : debugConsole)(
    agent,
    options,
    dying.signal,
  );
  report.event("console", { name: terminal.name });
  const outcome = await connect(terminal, options, { copies, command: address });
  const exit = outcome === "ended" ? await status() : 0;
  terminal.destroy();
  close();
  await copies.finish(outcome === "ended" && options.container ? exit : undefined);
  report.event(outcome, options.container && outcome === "ended" ? { code: exit } : undefined);
  return exit;
}

async function debugConsole(agent: string, options: AttachCommandOptions, signal: AbortSignal): Promise<Attached> {
  const { port, timeoutMs } = options;
  const time = timeoutMs === undefined ? {} : { timeoutMs: Math.ceil(timeoutMs) };
  const terminal = await openDebugConsole(agent, { port, initialSize: initialSize(options), signal, ...time });
  return { terminal, status: async () => 0, close: () => undefined };
}

async function containerConsole(agent: string, options: AttachCommandOptions, signal: AbortSignal): Promise<Attached> {
  const { container, timeoutMs } = options;
  const { containerId = "", execId, protocol = "ttrpc", yamux = false } = container ?? {};
  const { connectAgent, openAgentConsole } = await import("../../kata/index.js");
  const time = timeoutMs === undefined ? {} : { timeoutMs: Math.ceil(timeoutMs) };
  const client = await connectAgent(agent, { protocol, yamux, signal, ...time });
  const size = initialSize(options);
  const which = { containerId, ...(execId !== undefined && { execId }), ...(size && { initialSize: size }) };
  const terminal = await openAgentConsole(client, which);
  return { terminal, status: async () => shellStatus(await terminal.exited), close: () => client.close() };
}
