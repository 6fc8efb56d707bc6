import { parseArgs } from "node:util";

const USAGE = `usage: pnpm bench [--quick] [--json] [--plots] [--no-build] [--only CASE]... | --list | --help
  --quick      3 pairs of smaller sizes instead of 15
  --only CASE  this case alone; more than one with more of them
  --json       the result as JSON on standard output, and nothing else there
  --plots      write docs/performance.md and its plots
  --no-build   measure what is built already
  --list       the cases`;

/** What the command line says; with an error the usage, and exit status 2. */
export function parseOptions(args, cases) {
  const flag = /** @type {const} */ ({ type: "boolean", default: false });
  const only = /** @type {const} */ ({ type: "string", multiple: true });
  const options = { only, quick: flag, json: flag, plots: flag, list: flag, "no-build": flag, help: flag };
  try {
    const given = args[0] === "--" ? args.slice(1) : args; // as pnpm passes it on
    const { only: names = [], ...values } = parseArgs({ args: given, options, strict: true }).values;
    for (const name of names) {
      if (!cases.some((one) => one.name === name)) throw new Error(`there is no case ${name}; --list tells them`);
    }
    if (!values.help) return { ...values, only: names };
    console.log(USAGE);
    return process.exit(0);
  } catch (error) {
    console.error(`bench: ${error.message}\n${USAGE}`);
    return process.exit(2);
  }
}
