// Programs of src/fixtures, which tests run in a Node.js process or a Worker of their own.
import { fileURLToPath } from "node:url";
import { plainNode } from "./plain-node.js";

/** The compiled file of src/fixtures/`name`.ts, for a Worker, or for a command line that `nodeProgram` does not fit. */
export function programFile(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}.js`, import.meta.url));
}

/** The command and the arguments that run src/fixtures/`name`.ts; `options` are Node's own. */
export function nodeProgram(
  name: string,
  args: readonly string[] = [],
  options: readonly string[] = [],
): [command: string, args: string[]] {
  const [command, ...plain] = plainNode;
  return [command, [...plain, ...options, programFile(name), ...args]];
}
