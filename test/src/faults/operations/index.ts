// Everything that is done while system calls fail.
import { alone } from "./alone.js";
import { consoles } from "./consoles.js";
import { containers } from "./containers.js";
import { executables } from "./executables.js";
import type { Operation } from "./expect.js";
import { handles } from "./handles.js";
import { machines } from "./machines.js";
import { services } from "./services.js";
import { sockets } from "./sockets.js";

export const operations: Readonly<Record<string, Operation>> = {
  ...sockets,
  ...handles,
  ...services,
  ...consoles,
  ...containers,
  ...machines,
};

/** Each run of these is to have a process of its own. */
export const operationsAlone: Readonly<Record<string, Operation>> = alone;

/** In these it is not this process whose system calls fail. */
export const operationsOfExecutables: Readonly<Record<string, Operation>> = executables;

/** They start processes, which takes its time. */
export const slow: ReadonlySet<string> = new Set(Object.keys({ ...containers, ...alone, ...executables }));

// Node 26 leaves a child's pipe open when its spawn() finds no descriptor for another one; what it started nobody has.
const nodeLeaks = Number.parseInt(process.versions.node, 10) >= 26;

/** What is not injected there. */
export const impossible: Readonly<Record<string, RegExp>> = {
  // It says that the other end is closed. console-init keeps it until it ends or runs the command.
  spawnConsole: nodeLeaks ? /^recvmsg #\d+ ECONNRESET$|^pipe2 #\d+ E[MN]FILE$/ : /^recvmsg #\d+ ECONNRESET$/,
  // It says that the program has left its terminal. Here it has not, and is waited for.
  attach: /^write #\d+ EIO$/,
  // It says that no child is left, or that this one is none. There is one, which then is nobody's.
  "console-keeper of launch": /^waitid #\d+ ECHILD$/,
  "console-keeper of leave": /^waitid #\d+ ECHILD$/,
};
