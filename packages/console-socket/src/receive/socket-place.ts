// Where a listener's socket goes, within what runtimes can connect to.
import { chmodSync, existsSync, lstatSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { UnixAddress } from "cmsg";
import { native } from "cmsg-native";
import { ConsoleSocketError } from "../errors.js";

export interface SocketPlace {
  address: UnixAddress;
  /** Removes what was made for it, once the socket is gone. */
  remove: () => void;
}

export interface PrivatePlace extends SocketPlace {
  directory: string;
}

// runc fails on longer ones ("bind: invalid argument"); sun_path itself takes one byte more.
const MAX_PATH_BYTES = 107;

const SOCKET_NAME = "c";

// A file that is written without end is gone at every second one or so.
const MAX_ATTEMPTS = 1000;

export function socketPath(address: UnixAddress | undefined): SocketPlace {
  if (address === undefined) return privatePlace();
  if (typeof address === "string") checkLength(resolve(address));
  return { address, remove: () => undefined };
}

/**
 * A directory of its own, until `remove` or the process's 'exit'. @param files the names in it that others may write, and
 * that are removed with it.
 */
export function privatePlace(files: readonly string[] = []): PrivatePlace {
  const directory = privateDirectory(files);
  if (directories.size === 0) process.on("exit", removeAll);
  directories.set(
    directory,
    files.map((name) => join(directory, name)),
  );
  return { directory, address: join(directory, SOCKET_NAME), remove: () => removeDirectory(directory) };
}

// Absolute, so that the runtime finds it, and remove() after chdir(2). With mode 0700 the names inside need no secrecy.
function privateDirectory(names: readonly string[]): string {
  const prefix = resolve(tmpdir(), "console-");
  checkLength(join(`${prefix}XXXXXX`, SOCKET_NAME));
  const directory = makeDirectory(prefix, names);
  try {
    // mkdtemp(3) asks for 0700, and the umask may take some of that from its owner.
    if ((lstatSync(directory).mode & 0o700) !== 0o700) chmodSync(directory, 0o700);
    return directory;
  } catch (error) {
    rmdirSync(directory);
    native.disownFile(directory);
    throw error;
  }
}

function makeDirectory(prefix: string, names: readonly string[]): string {
  try {
    return native.makeDirectory(prefix, names);
  } catch (error) {
    const { message } = error as Error;
    throw Object.assign(error as Error, { message: `${message} ${prefix}XXXXXX`, path: `${prefix}XXXXXX` });
  }
}

// What is left when the process ends. The sockets in them are gone by then: cmsg puts its own handler in front.
const directories = new Map<string, string[]>();

function removeAll(): void {
  for (const directory of directories.keys()) removeDirectory(directory);
}

function removeDirectory(directory: string): void {
  const files = directories.get(directory) ?? [];
  directories.delete(directory);
  if (directories.size === 0) process.off("exit", removeAll);
  try {
    removeWith(files, directory);
  } finally {
    // Afterwards: a Worker may be terminated at any step.
    native.disownFile(directory);
  }
}

function removeWith(files: readonly string[], directory: string): void {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      for (const file of files) rmSync(file, { force: true });
      rmdirSync(directory);
      return;
    } catch (error) {
      // One of them came back in between: its writer can do that until the directory is gone. Anything else that is in
      // there is somebody else's, and theirs is the directory then.
      if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY" || !files.some((file) => existsSync(file))) return;
    }
  }
}

function checkLength(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_PATH_BYTES) return path;
  throw new ConsoleSocketError(
    "ERR_CONSOLE_INVALID_ARG",
    `Runtimes connect to a socket path of at most ${MAX_PATH_BYTES} bytes; this absolute one has ${bytes}: ` +
      `${JSON.stringify(path)}. Use a shorter one, in /run or /tmp.`,
  );
}
