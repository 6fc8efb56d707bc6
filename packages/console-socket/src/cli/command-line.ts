// What a command line asks for.
import { readArguments } from "./arguments.js";
import type { Command } from "./command.js";
import { commands } from "./commands/index.js";
import type { CommonOptions } from "./common-options.js";

export type Request = { show: "help" | "version" } | { command: Command; options: CommonOptions };

/** @throws UsageError */
export function parseCommandLine(args: readonly string[]): Request {
  const [standard] = commands;
  // A socket that is named like a command is written ./run.
  const named = commands.find(({ description }) => description.name === args[0]);
  const command = named ?? standard;
  const { options, commonOptions } = command.description;
  const read = readArguments(named ? args.slice(1) : args, [...options, ...commonOptions]);
  if (read.values["help"]) return { show: "help" };
  if (read.values["version"]) return { show: "version" };
  return { command, options: command.parse(read) };
}
