// Where a listener's socket goes, within what runtimes can connect to.
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { UnixAddress } from "cmsg";
import { ConsoleSocketError } from "../errors.js";

export interface SocketPlace {
  address: UnixAddress;
  /** Removes what was made for it, once the socket is gone. */
  remove: () => void;
}

// runc fails on longer ones ("bind: invalid argument"); sun_path itself takes one byte more.
const LONGEST_PATH_BYTES = 107;

export function socketPath(address: UnixAddress | undefined): SocketPlace {
  if (address === undefined) return privatePlace();
  if (typeof address === "string") checkLength(resolve(address));
  return { address, remove: () => undefined };
}

// mkdtemp(3) makes it 0700, so the name inside needs no secrecy.
function privatePlace(): SocketPlace {
  const directory = mkdtempSync(join(tmpdir(), "console-"));
  if (directories.size === 0) process.on("exit", removeAll);
  directories.add(directory);
  return { address: checkLength(join(directory, "c")), remove: () => removeDirectory(directory) };
}

// What is left when the process ends. The sockets in them are gone by then: cmsg puts its own handler in front.
const directories = new Set<string>();

function removeAll(): void {
  for (const directory of directories) removeDirectory(directory);
}

function removeDirectory(directory: string): void {
  directories.delete(directory);
  if (directories.size === 0) process.off("exit", removeAll);
  try {
    rmdirSync(directory);
  } catch {
    // Not empty, or gone: somebody else used it, and it is theirs now.
  }
}

function checkLength(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST_PATH_BYTES) return path;
  throw new ConsoleSocketError(
    "ERR_CONSOLE_INVALID_ARG",
    `Runtimes connect to a socket path of at most ${LONGEST_PATH_BYTES} bytes; this absolute one has ${bytes}: ` +
      `${JSON.stringify(path)}. Use a shorter one, in /run or /tmp.`,
  );
}
