// The argument list of a runtime command, with places for the socket and the pid file.
import { ConsoleSocketError } from "../errors.js";
import { checks } from "../options.js";

// A whole argument, or the value of --option=: a shell script among the arguments may hold braces of its own.
const PLACE = /^(-[\w-]+=)?\{(pid)?\}$/;

/**
 * `argv` with `{}` replaced by the socket's path and `{pid}` by the pid file's.
 *
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG
 */
export function fillIn(argv: readonly string[], socket: string, pidFile: string): string[] {
  return argv.map((argument) =>
    argument.replace(PLACE, (_, option = "", pid) => `${option}${pid === undefined ? socket : pidFile}`),
  );
}

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG */
export function checkArguments(argv: readonly string[]): void {
  const [command = "", ...rest] = checks.strings("argv", argv);
  if (command === "")
    throw checks.refusal("argv", "the runtime's command, which is not empty, and its arguments", argv);
  if (rest.some((argument) => argument.match(PLACE)?.[2] === undefined && PLACE.test(argument))) return;
  throw new ConsoleSocketError(
    "ERR_CONSOLE_INVALID_ARG",
    `Expected {} among the arguments of ${JSON.stringify(command)}, where the socket's path goes, and found none. ` +
      "Add --console-socket {}.",
  );
}
