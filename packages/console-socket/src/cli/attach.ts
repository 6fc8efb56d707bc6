// `console-socket attach ADDRESS`: the debug console of a virtual machine in this terminal.
import { openDebugConsole } from "../kata/debug-console.js";
import { sandboxAgentUrl } from "../kata/sandbox.js";
import { Copies } from "./copies.js";
import type { AttachCommandOptions } from "./options.js";
import type { Report } from "./report.js";
import { tidyBeforeDying } from "./signals.js";
import { connect, initialSize } from "./terminal.js";

const SANDBOX = "sandbox:";

export async function attach(options: AttachCommandOptions, report: Report): Promise<number> {
  const { address, port, timeoutMs, detachKeys } = options;
  if (detachKeys !== undefined) (await import("../attach/detach-keys.js")).parseDetachKeys(detachKeys);
  const agent = address.startsWith(SANDBOX) ? await sandboxAgentUrl(address.slice(SANDBOX.length)) : address;
  const copies = await Copies.open(options);
  const dying = new AbortController();
  tidyBeforeDying(async () => {
    dying.abort();
    await copies.finish();
  });
  const console = await openDebugConsole(agent, {
    port,
    size: initialSize(options),
    signal: dying.signal,
    ...(timeoutMs !== undefined && { timeoutMs: Math.ceil(timeoutMs) }),
  });
  report.event("console", { name: console.name });
  const outcome = await connect(console, options, { copies, command: address });
  console.destroy();
  await copies.finish();
  report.event(outcome);
  return 0;
}
