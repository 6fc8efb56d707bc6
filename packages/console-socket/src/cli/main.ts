#!/usr/bin/env node
// The `console-socket` command. What it imports before it listens is kept small: runtimes do not wait.
import { readFileSync } from "node:fs";
import { parseCommandLine, UsageError } from "./options.js";

const OWN_FAILURE = 125;

function complain(line: string): void {
  process.stderr.write(`console-socket: ${line}\n`);
}

function version(): string {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
}

async function main(args: string[]): Promise<void> {
  const request = parseCommandLine(args, version());
  if ("text" in request) {
    process.stdout.write(request.text);
    return;
  }
  const { receive } = await import("./receive.js");
  await receive(request.options, complain);
}

main(process.argv.slice(2)).then(
  // Not by itself: a standard input that nobody closes would keep the process.
  () => process.exit(),
  (error: Error) => {
    complain(error instanceof UsageError ? `${error.message}. Try --help.` : error.message);
    process.exit(OWN_FAILURE);
  },
);
