// The command line of `console-socket`, and its help.
import { parseArgs } from "node:util";

export interface Options {
  mode: "single" | "null";
  pidFile: string | undefined;
  stdin: boolean;
  socket: string;
}

const HELP = `Usage: console-socket [receive] [OPTION]... SOCKET

Receive the console that a container runtime sends to SOCKET (--console-socket
of runc, crun, youki and gVisor) and connect it with this terminal.

  -m, --mode MODE   single (default): take the first console, stop listening,
                    end when it ends; null: take any number, read and throw
                    away what they show, until killed
  --pid-file FILE   write this process's id to FILE before listening
  --no-stdin        type nothing into the console
  -h, --help        show this text
  -V, --version     show the version

SOCKET is a path, or @NAME for an abstract socket. In another window:

  runc run -d --console-socket SOCKET CONTAINER

Exit status: 0 when the console ended; 125 on a failure of this command. Killed
by a signal, it removes SOCKET first.
`;

/** What the command line asks for, or the text that answers it. */
export type Request = { options: Options } | { text: string };

/** A command line that cannot be obeyed; the message is one line. */
export class UsageError extends Error {}

const FLAGS = {
  mode: { type: "string", short: "m", default: "single" },
  "pid-file": { type: "string" },
  "no-stdin": { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
  version: { type: "boolean", short: "V", default: false },
} as const;

export function parseCommandLine(args: string[], version: string): Request {
  const { values, positionals } = parse(args);
  if (values.help) return { text: HELP };
  if (values.version) return { text: `console-socket ${version}\n` };
  const { mode } = values;
  if (mode !== "single" && mode !== "null")
    throw new UsageError(`--mode is single or null, not ${JSON.stringify(mode)}`);
  // A socket of that name is written ./receive.
  if (positionals[0] === "receive") positionals.shift();
  const [socket, ...surplus] = positionals;
  if (!socket) throw new UsageError("the path of the socket to listen on is missing");
  if (surplus.length > 0) throw new UsageError(`one socket is expected; there is also ${JSON.stringify(surplus[0])}`);
  return { options: { mode, pidFile: values["pid-file"], stdin: !values["no-stdin"], socket } };
}

function parse(args: string[]): ReturnType<typeof parseArgs<{ options: typeof FLAGS; allowPositionals: true }>> {
  try {
    return parseArgs({ args, options: FLAGS, allowPositionals: true });
  } catch (error) {
    const [firstSentence] = (error as Error).message.split(". ");
    throw new UsageError(firstSentence);
  }
}
