// The debug console of a guest: a shell that the agent starts for each connection to a port of its own, where
// `debug_console_enabled` is set in Kata's configuration. Bytes and nothing else: no window size, no exit status.
import type { Duplex } from "node:stream";
import type { Console } from "../../console/console.js";
import { DuplexConsole } from "../../console/duplex-console.js";
import { DEFAULT_SIZE, type WindowSize } from "../../console/window-size.js";
import { checks } from "../../options.js";
import { type AgentAddress, agentAddressText, parseAgentAddress } from "../address/agent-address.js";
import { type DialOptions, dial } from "../dial/dial.js";

/** Where an agent listens for debug consoles: `agent.debug_console_vport`. */
export const DEBUG_CONSOLE_PORT = 1026;

export interface DebugConsoleOptions extends DialOptions {
  /** 0 to 4294967295 (default 1026). It takes the place of the address's own, which is the agent's. */
  port?: number | undefined;
  /** What the console's `size` answers at first: 1 to 65535 columns and rows (default 80x24). The shell does not learn it. */
  initialSize?: WindowSize | undefined;
}

/**
 * Connects to a guest's debug console. `address` is the agent's, as `sandboxAgentUrl` gives it: of `vsock` and `hvsock`
 * the port is replaced; the others have none, and are connected to as they are.
 *
 * `resize` reaches nobody: the agent has no call for it on this port. `stty columns 100 rows 30`, typed, does it. The end
 * says that the shell is gone, and nobody says how.
 *
 * @throws as `dial`
 */
export async function openDebugConsole(
  address: string | AgentAddress,
  { port = DEBUG_CONSOLE_PORT, initialSize = DEFAULT_SIZE, ...options }: DebugConsoleOptions = {},
): Promise<Console> {
  checks.u32("port", port);
  checks.size("initialSize", initialSize);
  const agent = typeof address === "string" ? parseAgentAddress(address) : address;
  const target = agent.scheme === "vsock" || agent.scheme === "hvsock" ? { ...agent, port } : agent;
  const stream: Duplex = await dial(target, options);
  return new DuplexConsole(stream, agentAddressText(target), initialSize);
}
