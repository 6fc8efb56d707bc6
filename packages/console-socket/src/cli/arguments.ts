// A command line as words: options by their description, the words between them, and what stands after `--`.
import { type ParseArgsConfig, parseArgs } from "node:util";
import { safeText } from "../console/safe-text.js";

export interface OptionDescription {
  readonly name: string;
  readonly short?: string;
  /** What its value is called; without one it is a switch. */
  readonly value?: string;
  /** One sentence without a capital or a full stop; code in backquotes. */
  readonly help: string;
}

export interface Arguments {
  /** By option: its value, or true for a switch. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
  /** Undefined without `--`. */
  readonly afterDashes: readonly string[] | undefined;
}

/** A command line that cannot be used; the message is one line, and safe to show. */
export class UsageError extends Error {
  constructor(message: string) {
    super(safeText(message));
  }
}

/** @throws UsageError: an option that is not described, or a value that is missing or surplus. */
export function readArguments(args: readonly string[], described: readonly OptionDescription[]): Arguments {
  const dashes = args.indexOf("--");
  const own = dashes === -1 ? args : args.slice(0, dashes);
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const { name, short, value } of described)
    options[name] = { type: value === undefined ? "boolean" : "string", ...(short && { short }) };
  try {
    const { values, positionals } = parseArgs({ args: [...own], options, allowPositionals: true });
    return {
      values: values as Arguments["values"],
      positionals,
      afterDashes: dashes === -1 ? undefined : args.slice(dashes + 1),
    };
  } catch (error) {
    const [firstSentence] = (error as Error).message.split(/\.\s/);
    throw new UsageError(firstSentence as string);
  }
}

/** The value of an option that takes one. */
export function textOf({ values }: Arguments, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** The first of `names` that was given. */
export function givenOf({ values }: Arguments, names: readonly string[]): string | undefined {
  return names.find((name) => values[name] !== undefined);
}

/**
 * The one word that a command takes beside its options; after `--` it may begin with a hyphen.
 *
 * @param what for the message: "socket"
 * @throws UsageError
 */
export function onlyOperand({ positionals, afterDashes = [] }: Arguments, what: string, missing: string): string {
  const [operand, ...surplus] = [...positionals, ...afterDashes];
  if (!operand) throw new UsageError(missing);
  if (surplus.length === 0) return operand;
  throw new UsageError(`one ${what} is expected; there is also ${JSON.stringify(surplus[0])}`);
}
