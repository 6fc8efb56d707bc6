import { writeSync } from "node:fs";

/** For a program of src/fixtures: prints what a test compares of an error, as JSON, and lets the process fail. */
export function printError(error: unknown): void {
  const { name, code, syscall, message } = error as NodeJS.ErrnoException;
  // At once and without a stream: standard output may be the very terminal that the program is about.
  writeSync(1, `${JSON.stringify({ name, code, syscall, message })}\n`);
  process.exitCode = 1;
}
