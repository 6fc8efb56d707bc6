// What every command of `console-socket` is: a description, from which --help and the manual page are made and by which
// its arguments are read; a parser of what was read; and what it does.
//
// A command imports what it does inside `run`: all descriptions are loaded at each start, and runtimes do not wait. The
// native part is loaded there too, so that --help works without it and its absence is reported as any other error.
import type { Arguments, OptionDescription } from "./arguments.js";
import type { CommonOptions } from "./common-options.js";
import type { Report } from "./report.js";

interface CommandDescription {
  readonly name: string;
  /** The words after `console-socket`. */
  readonly usage: string;
  /** One paragraph. */
  readonly about: string;
  /** The options that only some commands have. */
  readonly options: readonly OptionDescription[];
  /** Those of common-options.ts that it takes. */
  readonly commonOptions: readonly OptionDescription[];
  readonly examples: readonly { title: string; commands: readonly string[] }[];
  /** Meaning by status, without a capital or a full stop. */
  readonly exitStatus: Readonly<Record<string, string>>;
}

export interface Command<Options extends CommonOptions = CommonOptions> {
  readonly description: CommandDescription;
  /** @throws UsageError */
  parse(args: Arguments): Options;
  /** @returns the exit status */
  run(options: Options, report: Report): Promise<number>;
}
