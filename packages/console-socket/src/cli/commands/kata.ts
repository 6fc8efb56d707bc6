// `console-socket kata ADDRESS`: the debug console of a virtual machine in this terminal, or the terminal of a container's
// process there.
import type { Console } from "../../console/console.js";
import { shellStatus } from "../../process/exit-status.js";
import { type Arguments, givenOf, onlyOperand, textOf, UsageError } from "../arguments.js";
import type { Command } from "../command.js";
import { COMMON, type CommonOptions, commonOptions, DETACH_KEYS, detachKeysOf, ONLCR } from "../common-options.js";
import { prepare } from "../prepare.js";
import { connect, initialSize } from "../terminal.js";

/** A process whose terminal is wanted through the agent. */
interface ContainerOptions {
  containerId: string;
  execId: string | undefined;
  protocol: "grpc" | "ttrpc";
  yamux: boolean;
}

interface KataOptions extends CommonOptions {
  detachKeys: string | undefined;
  port: number | undefined;
  /** Without it, the debug console. */
  container: ContainerOptions | undefined;
  address: string;
}

/** A console in a virtual machine that was opened, and how its program ends. */
interface Opened {
  terminal: Console;
  /** Of the process, as a shell has it, once the console has ended. */
  status(): Promise<number>;
  close(): void;
}

const SANDBOX = "sandbox:";

export const kata: Command<KataOptions> = {
  description: {
    name: "kata",
    usage: "kata [OPTION]... ADDRESS",
    about:
      "kata is the debug console of a virtual machine: a shell that Kata Containers' agent starts there. ADDRESS is the agent's (vsock://CID:PORT, hvsock://PATH:PORT, a path; the console's port takes the place of its own), or sandbox:ID for the one of a running sandbox, which its shim tells. The shell does not learn this terminal's size.",
    options: [
      DETACH_KEYS,
      { name: "port", value: "PORT", help: "the debug console's port, 1026 by default" },
      {
        name: "container",
        value: "ID",
        help: "the terminal of this container's process, through the agent, in place of the debug console. If a shim reads the same process, the output is split between the two",
      },
      { name: "exec", value: "ID", help: "that of a process started later in the container" },
      {
        name: "protocol",
        value: "PROTOCOL",
        help: "what the agent of the container speaks: `ttrpc` (the default; Kata 2 and later), or `grpc` (Kata 1)",
      },
      { name: "yamux", help: "grpc runs in yamux, as behind a proxy of Kata 1" },
    ],
    commonOptions: COMMON.filter((option) => option !== ONLCR),
    examples: [
      {
        title: "A shell in the virtual machine of a sandbox:",
        commands: ["console-socket kata sandbox:0123456789abcdef"],
      },
    ],
    exitStatus: {
      0: "the debug console ended, or the container with 0, or it was left with the detach keys",
      "1-255": "the same, of a --container",
    },
  },

  parse(args) {
    const address = onlyOperand(args, "address", "the address of an agent, or sandbox:ID, is missing");
    const own = { detachKeys: detachKeysOf(args), port: portOf(args), container: containerOf(args) };
    return { ...commonOptions(args), ...own, address };
  },

  async run(options, report) {
    const { address, container } = options;
    const { copies, dying } = await prepare(options);
    const agent = await agentAddress(address);
    const { terminal, status, close } = container
      ? await openContainer(agent, container, options, dying)
      : await openShell(agent, options, dying);
    report.event("console", { name: terminal.name });
    const outcome = await connect(terminal, options, { copies, command: address });
    const exit = outcome === "ended" ? await status() : 0;
    terminal.destroy();
    close();
    const known = container && outcome === "ended";
    await copies.finish(known ? exit : undefined);
    report.event(outcome, known ? { code: exit } : undefined);
    return exit;
  },
};

function portOf(args: Arguments): number | undefined {
  const value = textOf(args, "port");
  if (value === undefined) return undefined;
  if (/^\d{1,10}$/.test(value) && Number(value) < 2 ** 32) return Number(value);
  throw new UsageError(`--port is a number from 0 to 4294967295, not ${JSON.stringify(value)}`);
}

function containerOf(args: Arguments): ContainerOptions | undefined {
  const containerId = textOf(args, "container");
  if (!containerId) {
    const given = givenOf(args, ["container", "exec", "protocol", "yamux"]);
    if (given) throw new UsageError(`--${given} is about a container: --container ID is expected`);
    return undefined;
  }
  if (textOf(args, "port") !== undefined)
    throw new UsageError("--port is the debug console's, and --container is none");
  const protocol = textOf(args, "protocol") ?? "ttrpc";
  if (protocol !== "grpc" && protocol !== "ttrpc")
    throw new UsageError(`--protocol is grpc or ttrpc, not ${JSON.stringify(protocol)}`);
  const yamux = args.values["yamux"] === true;
  if (yamux && protocol !== "grpc") throw new UsageError("--yamux is for --protocol grpc");
  return { containerId, execId: textOf(args, "exec"), protocol, yamux };
}

async function agentAddress(address: string): Promise<string> {
  if (!address.startsWith(SANDBOX)) return address;
  const { sandboxAgentUrl } = await import("../../kata/address/sandbox.js");
  return sandboxAgentUrl(address.slice(SANDBOX.length));
}

async function openShell(agent: string, options: KataOptions, signal: AbortSignal): Promise<Opened> {
  const { openDebugConsole } = await import("../../kata/agent/debug-console.js");
  const { port, timeoutMs } = options;
  const terminal = await openDebugConsole(agent, { port, initialSize: initialSize(options), signal, timeoutMs });
  return { terminal, status: async () => 0, close: () => undefined };
}

async function openContainer(
  agent: string,
  { containerId, execId, protocol, yamux }: ContainerOptions,
  options: KataOptions,
  signal: AbortSignal,
): Promise<Opened> {
  const { connectAgent, openAgentConsole } = await import("../../kata/index.js");
  const client = await connectAgent(agent, { protocol, yamux, signal, timeoutMs: options.timeoutMs });
  const terminal = await openAgentConsole(client, { containerId, execId, initialSize: initialSize(options) });
  return { terminal, status: async () => shellStatus(await terminal.exited), close: () => client.close() };
}
