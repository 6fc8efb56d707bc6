// The options that every command has, or most of them.
import type { WindowSize } from "../console/window-size.js";
import { type Arguments, type OptionDescription, textOf, UsageError } from "./arguments.js";

export interface CommonOptions {
  /** Whether what is typed here goes to the console. */
  stdin: boolean;
  size: WindowSize | undefined;
  timeoutMs: number | undefined;
  onlcr: boolean;
  log: string | undefined;
  logFormat: "raw" | "cri";
  record: string | undefined;
  json: boolean;
}

export const ONLCR: OptionDescription = {
  name: "onlcr",
  help: "keep CR LF at the ends of lines also where the output is no terminal",
};

const HELP: readonly OptionDescription[] = [
  { name: "help", short: "h", help: "show a summary" },
  { name: "version", short: "V", help: "show the version" },
];

export const COMMON: readonly OptionDescription[] = [
  { name: "no-stdin", help: "type nothing into the console" },
  { name: "size", value: "COLUMNSxROWS", help: "the console's size, instead of following this terminal's" },
  {
    name: "timeout",
    value: "SECONDS",
    help: "give up when no console has come by then; kata has 15 by default",
  },
  ONLCR,
  { name: "log", value: "FILE", help: "append what the console shows to FILE too" },
  {
    name: "log-format",
    value: "FORMAT",
    help: "`raw` (the default): the bytes; `cri`: a line of Kubernetes' log format for each line",
  },
  {
    name: "record",
    value: "FILE",
    help: "record the session to FILE, which `asciinema play` shows (asciicast v3)",
  },
  { name: "json", help: "say what happens on standard error, as a line of JSON for each event" },
  ...HELP,
];

export const DETACH_KEYS: OptionDescription = {
  name: "detach-keys",
  value: "KEYS",
  help: "the keys that leave what runs there running and end this command, `ctrl-p,ctrl-q` by default; none with an empty value. To type the first of them, wait a second before the next key",
};

const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";
const MAX_TIMEOUT_S = 2_147_483;

/** @throws UsageError */
export function commonOptions(args: Arguments): CommonOptions {
  const { values } = args;
  const logFormat = textOf(args, "log-format") ?? "raw";
  if (logFormat !== "raw" && logFormat !== "cri")
    throw new UsageError(`--log-format is raw or cri, not ${JSON.stringify(logFormat)}`);
  const log = textOf(args, "log");
  if (values["log-format"] !== undefined && log === undefined)
    throw new UsageError("--log-format is the format of --log, which is missing");
  return {
    stdin: !values["no-stdin"],
    size: size(textOf(args, "size")),
    timeoutMs: timeout(textOf(args, "timeout")),
    onlcr: values["onlcr"] === true,
    log,
    logFormat,
    record: textOf(args, "record"),
    json: values["json"] === true,
  };
}

/** Undefined where there are to be none. */
export function detachKeysOf(args: Arguments): string | undefined {
  return (textOf(args, "detach-keys") ?? DEFAULT_DETACH_KEYS) || undefined;
}

function size(value: string | undefined): WindowSize | undefined {
  if (value === undefined) return undefined;
  const [, columns, rows] = value.match(/^(\d{1,5})x(\d{1,5})$/) ?? [];
  const size = { columns: Number(columns), rows: Number(rows) };
  // NaN where it does not match is out of range too.
  const fits = (count: number): boolean => count >= 1 && count <= 65_535;
  if (fits(size.columns) && fits(size.rows)) return size;
  throw new UsageError(`--size is COLUMNSxROWS, each from 1 to 65535, such as 100x30, not ${JSON.stringify(value)}`);
}

function timeout(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  // A whole number of milliseconds, and at least one.
  if (seconds > 0 && seconds <= MAX_TIMEOUT_S) return Math.ceil(seconds * 1000);
  throw new UsageError(
    `--timeout is a number of seconds from above 0 to ${MAX_TIMEOUT_S}, not ${JSON.stringify(value)}`,
  );
}
