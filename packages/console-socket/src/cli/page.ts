// What --help and the manual page say of the whole command, from the descriptions of its commands.
import type { OptionDescription } from "./arguments.js";
import { commands } from "./commands/index.js";

export const SUMMARY = "receive container consoles";

export const USAGE: readonly string[] = commands.map(({ description }) => `console-socket ${description.usage}`);

/** Paragraphs. */
export const ABOUT: readonly string[] = [
  "Receive the console that a container runtime sends (--console-socket of runc, crun, youki and gVisor) and connect it with this terminal.",
  ...commands.map(({ description }) => description.about),
];

/** An option, and the commands that have it: none where all do. */
export interface ListedOption extends OptionDescription {
  readonly only: readonly string[];
}

/** Every option once: first those of single commands, then the common ones. */
export const OPTIONS: readonly ListedOption[] = listed();

function listed(): ListedOption[] {
  const described = commands.map(({ description }) => description);
  const options = new Set([
    ...described.flatMap(({ options }) => options),
    ...described.flatMap(({ commonOptions }) => commonOptions),
  ]);
  return [...options].map((option) => {
    const having = described.filter(({ options, commonOptions }) => [...options, ...commonOptions].includes(option));
    return { ...option, only: having.length === described.length ? [] : having.map(({ name }) => name) };
  });
}

export const EXAMPLES: readonly { title: string; commands: readonly string[] }[] = commands.flatMap(
  ({ description }) => description.examples,
);

export const EXIT_STATUS: readonly { status: string; meaning: string }[] = [
  { status: "0", meaning: meaningOf("0") },
  { status: "1-255", meaning: meaningOf("1-255") },
  { status: "125", meaning: "this command failed, or the runtime's did" },
  { status: "126", meaning: meaningOf("126") },
  { status: "127", meaning: meaningOf("127") },
];

function meaningOf(status: string): string {
  const meanings = commands.flatMap(({ description: { name, exitStatus } }) => {
    const meaning = exitStatus[status];
    return meaning === undefined ? [] : [`${name}: ${meaning}`];
  });
  return meanings.join(". ");
}

export const ON_SIGNAL =
  "Killed by SIGINT, SIGTERM, SIGHUP or SIGQUIT, it first removes its socket and restores the terminal. The container is not killed; its terminal is hung up.";
