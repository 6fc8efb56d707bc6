import { fixture } from "./paths.js";

/**
 * The beginning of a command line: the command that follows is refused what the denials name, as fixtures/deny.py has
 * them ("openat2=ENOSYS"). needs("python3").
 */
export function denied(...denials: string[]): [command: string, ...args: string[]] {
  return ["python3", fixture("deny.py"), ...denials, "--"];
}
