// The command line of `console-socket`, read by its description.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { checkWindowSize, type WindowSize } from "../console/window-size.js";
import { type CommandName, OPTIONS } from "./description.js";

export interface CommonOptions {
  stdin: boolean;
  size: WindowSize | undefined;
  timeoutMs: number | undefined;
  onlcr: boolean;
  log: string | undefined;
  logFormat: "raw" | "cri";
  record: string | undefined;
  json: boolean;
}

export interface ReceiveOptions extends CommonOptions {
  mode: "single" | "null";
  pidFile: string | undefined;
  socket: string;
}

export interface RunOptions extends CommonOptions {
  detachKeys: string | undefined;
  argv: string[];
}

export interface AttachCommandOptions extends CommonOptions {
  detachKeys: string | undefined;
  port: number | undefined;
  /** The process whose terminal is wanted; without it, the debug console. */
  container:
    | { containerId: string; execId: string | undefined; protocol: "grpc" | "ttrpc"; yamux: boolean }
    | undefined;
  address: string;
}

/** What the command line asks for. */
export type Request =
  | { command: "receive"; options: ReceiveOptions }
  | { command: "run"; options: RunOptions }
  | { command: "attach"; options: AttachCommandOptions }
  | { command: "help" | "version" };

/** A command line that cannot be obeyed; the message is one line, and safe to show. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\u{fffd}"));
  }
}

type Values = Record<string, string | boolean | undefined>;

const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

export function parseCommandLine(args: readonly string[]): Request {
  const [first] = args;
  if (first === "run") return parseRun(args.slice(1));
  if (first === "attach") return parseAttach(args.slice(1));
  // A socket of that name is written ./receive.
  return parseReceive(first === "receive" ? args.slice(1) : [...args]);
}

function parseReceive(args: string[]): Request {
  const { values, positionals } = parse("receive", args);
  if (values["help"] || values["version"]) return { command: values["help"] ? "help" : "version" };
  const { mode = "single" } = values;
  if (mode !== "single" && mode !== "null")
    throw new UsageError(`--mode is single or null, not ${JSON.stringify(mode)}`);
  if (mode === "null") refuseForNull(values);
  const [socket, ...surplus] = positionals;
  if (!socket) throw new UsageError("the path of the socket to listen on is missing");
  if (surplus.length > 0) throw new UsageError(`one socket is expected; there is also ${JSON.stringify(surplus[0])}`);
  return { command: "receive", options: { ...common(values), mode, pidFile: text(values, "pid-file"), socket } };
}

function parseRun(args: string[]): Request {
  const end = args.indexOf("--");
  const { values, positionals } = parse("run", end === -1 ? args : args.slice(0, end));
  if (values["help"] || values["version"]) return { command: values["help"] ? "help" : "version" };
  const [surplus] = positionals;
  if (end === -1 || surplus !== undefined) {
    const seen = surplus === undefined ? "the end" : JSON.stringify(surplus);
    throw new UsageError(`-- and the runtime's command are expected behind the options; there is ${seen}`);
  }
  const argv = args.slice(end + 1);
  if (argv.length === 0) throw new UsageError("the runtime's command is missing behind --");
  return { command: "run", options: { ...common(values), detachKeys: detachKeys(values), argv } };
}

function parseAttach(args: string[]): Request {
  const { values, positionals } = parse("attach", args);
  if (values["help"] || values["version"]) return { command: values["help"] ? "help" : "version" };
  const [address, ...surplus] = positionals;
  if (!address) throw new UsageError("the address of an agent, or sandbox:ID, is missing");
  if (surplus.length > 0) throw new UsageError(`one address is expected; there is also ${JSON.stringify(surplus[0])}`);
  const own = { detachKeys: detachKeys(values), port: port(text(values, "port")), container: container(values) };
  return { command: "attach", options: { ...common(values), ...own, address } };
}

function container(values: Values): AttachCommandOptions["container"] {
  const containerId = text(values, "container");
  if (!containerId) {
    const given = ["container", "exec", "protocol", "yamux"].find((name) => values[name] !== undefined);
    if (given) throw new UsageError(`--${given} is about a container: --container ID is expected`);
    return undefined;
  }
  if (values["port"] !== undefined) throw new UsageError("--port is the debug console's, and --container is none");
  const protocol = text(values, "protocol") ?? "ttrpc";
  if (protocol !== "grpc" && protocol !== "ttrpc")
    throw new UsageError(`--protocol is grpc or ttrpc, not ${JSON.stringify(protocol)}`);
  const yamux = values["yamux"] === true;
  if (yamux && protocol !== "grpc") throw new UsageError("--yamux is for --protocol grpc");
  return { containerId, execId: text(values, "exec"), protocol, yamux };
}

function detachKeys(values: Values): string | undefined {
  return (text(values, "detach-keys") ?? DEFAULT_DETACH_KEYS) || undefined;
}

function port(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,10}$/.test(value) && Number(value) < 2 ** 32) return Number(value);
  throw new UsageError(`--port is a number from 0 to 4294967295, not ${JSON.stringify(value)}`);
}

function common(values: Values): CommonOptions {
  const logFormat = text(values, "log-format") ?? "raw";
  if (logFormat !== "raw" && logFormat !== "cri")
    throw new UsageError(`--log-format is raw or cri, not ${JSON.stringify(logFormat)}`);
  const log = text(values, "log");
  if (values["log-format"] !== undefined && log === undefined)
    throw new UsageError("--log-format is the format of --log, which is missing");
  return {
    stdin: !values["no-stdin"],
    size: size(text(values, "size")),
    timeoutMs: timeout(text(values, "timeout")),
    onlcr: values["onlcr"] === true,
    log,
    logFormat,
    record: text(values, "record"),
    json: values["json"] === true,
  };
}

// What is about the one console, or about what is shown.
function refuseForNull(values: Values): void {
  const given = ["log", "log-format", "record", "timeout", "onlcr"].find((name) => values[name] !== undefined);
  if (given) throw new UsageError(`--${given} is for one console, and --mode null takes any number`);
}

function size(value: string | undefined): WindowSize | undefined {
  if (value === undefined) return undefined;
  const [, columns, rows] = value.match(/^(\d{1,5})x(\d{1,5})$/) ?? [];
  if (columns === undefined || rows === undefined || Number(columns) === 0 || Number(rows) === 0)
    throw new UsageError(`--size is COLUMNSxROWS, such as 100x30, not ${JSON.stringify(value)}`);
  try {
    return checkWindowSize({ columns: Number(columns), rows: Number(rows) });
  } catch (error) {
    throw new UsageError(`--size: ${(error as Error).message}`);
  }
}

const LONGEST_TIMEOUT_S = 2_147_483;

function timeout(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (seconds > 0 && seconds <= LONGEST_TIMEOUT_S) return seconds * 1000;
  throw new UsageError(
    `--timeout is a number of seconds from above 0 to ${LONGEST_TIMEOUT_S}, not ${JSON.stringify(value)}`,
  );
}

function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

function parse(command: CommandName, args: string[]): { values: Values; positionals: string[] } {
  const own = OPTIONS.filter(({ commands }) => commands.includes(command));
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const { name, short, value } of own)
    options[name] = { type: value === undefined ? "boolean" : "string", ...(short && { short }) };
  try {
    return parseArgs({ args, options, allowPositionals: true }) as { values: Values; positionals: string[] };
  } catch (error) {
    const [firstSentence] = (error as Error).message.split(/\.\s/);
    throw new UsageError(firstSentence as string);
  }
}
