#!/usr/bin/env node
// The `console-socket` command. What it imports before it listens is kept small: runtimes do not wait.
import { parseCommandLine, type Request, UsageError } from "./options.js";
import { asJson, exitStatusOf, forPeople, type Report, say } from "./report.js";

const OWN_FAILURE = 125;

async function main(args: string[]): Promise<number> {
  let request: Request;
  try {
    request = parseCommandLine(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`${error.message}. Try --help.`);
    return OWN_FAILURE;
  }
  if ("options" in request) return obey(request);
  process.stdout.write(request.command === "help" ? (await import("./help.js")).helpText() : await version());
  return 0;
}

async function obey(request: Exclude<Request, { command: "help" | "version" }>): Promise<number> {
  const report: Report = request.options.json ? asJson : forPeople;
  try {
    if (request.command === "run") return await (await import("./commands/run.js")).run(request.options, report);
    if (request.command === "attach") return await (await import("./commands/kata.js")).attach(request.options, report);
    return await (await import("./commands/receive.js")).receive(request.options, report);
  } catch (error) {
    report.error(error as Error);
    return exitStatusOf(error as Error);
  }
}

async function version(): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  return `console-socket ${version}\n`;
}

// Not by itself: a standard input that nobody closes would keep the process. The command is bundled as CommonJS, which
// cannot await here.
void main(process.argv.slice(2)).then((status) => process.exit(status));
