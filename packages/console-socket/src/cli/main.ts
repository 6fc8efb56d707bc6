#!/usr/bin/env node
// The `console-socket` command. What it imports before it listens is kept small: runtimes do not wait.
import { UsageError } from "./arguments.js";
import { parseCommandLine, type Request } from "./command-line.js";
import { asJson, exitStatusOf, forPeople, type Report, say } from "./report.js";

const OWN_FAILURE = 125;

async function main(args: readonly string[]): Promise<number> {
  let request: Request;
  try {
    request = parseCommandLine(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`${error.message}. Try --help.`);
    return OWN_FAILURE;
  }
  if ("show" in request) {
    process.stdout.write(request.show === "help" ? (await import("./help.js")).helpText() : await version());
    return 0;
  }
  const { command, options } = request;
  const report: Report = options.json ? asJson : forPeople;
  try {
    return await command.run(options, report);
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

// Exit explicitly: an open standard input would keep the process alive. The command is bundled as CommonJS, which has no
// top-level await.
void main(process.argv.slice(2)).then((status) => process.exit(status));
