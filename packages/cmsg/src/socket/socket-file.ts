// Binding a socket to a path, and taking the path away again: never one that is not ours, never one that is alive.
//
// A live socket cannot be told from a stale one by a stream connect: a receiver that is bound and not yet listening
// refuses as a stale one does, and one that listens takes the connection for its client. A datagram connect is noticed by
// nobody: EPROTOTYPE from a live stream or seqpacket socket, success from a live datagram socket, ECONNREFUSED from a
// stale one of any kind.
import { closeSync, constants, fchmodSync, lstatSync, openSync, type Stats, unlinkSync } from "node:fs";
import { constants as systemConstants } from "node:os";
import { dirname, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { closeQuietly, native, SOCK_DGRAM, withRoom } from "cmsg-native";
import { bindTo, connectTo } from "../address/unix-address.js";
import { explained, isSyscallError, naming, type SyscallError } from "../errors.js";
import { hasMode, makeExact } from "./socket-mode.js";

const LOCK_RETRY_MS = 5;
const MAX_LOCK_WAIT_MS = 500;

/** A bound socket's file, as it was made. */
export interface SocketFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

export interface BindOptions {
  /** Permissions of the socket file, from 0 to 0o7777, whatever the umask (default 0o777 less the umask). */
  mode?: number | undefined;
  /** Take the path over from a socket of this user that nobody has open any more. */
  replaceStale?: boolean | undefined;
}

/**
 * bind(2) of `socket`, borrowed, to a path.
 *
 * @throws EADDRINUSE when something is there that was not allowed to go: a live socket, another user's, or no socket.
 */
export async function bindSocketFile(socket: number, path: string, options: BindOptions = {}): Promise<SocketFile> {
  // The new inode takes the socket's mode, less the umask.
  if (options.mode !== undefined) fchmodSync(socket, options.mode);
  try {
    bindTo(socket, path, resolve(path));
  } catch (error) {
    if (!isSyscallError(error, "EADDRINUSE")) throw error;
    await replaceStale(socket, path, options.replaceStale === true, error);
  }
  const absolute = resolve(path);
  let bound: Stats;
  try {
    bound = lstatSync(absolute);
  } catch (error) {
    // By the path that was bound: the absolute one is wrong where the working directory's name is not UTF-8.
    closeQuietly(() => unlinkSync(path));
    native.disownFile(resolve(path));
    throw error;
  }
  const file = { path: absolute, dev: bound.dev, ino: bound.ino };
  if (options.mode !== undefined && !hasMode(bound, options.mode)) giveBackUmask(file, bound, options.mode);
  return remember(file);
}

function giveBackUmask(file: SocketFile, bound: Stats, mode: number): void {
  let ours: boolean;
  try {
    ours = makeExact(file.path, mode, bound);
  } catch (error) {
    discardSocketFile(file);
    throw error;
  }
  if (ours) return;
  native.disownFile(file.path);
  throw replacedMeanwhile(file.path);
}

function replacedMeanwhile(path: string): SyscallError {
  const message = `bind EADDRINUSE: address already in use ${path}: another file was put there right after bind.`;
  const { EADDRINUSE } = systemConstants.errno;
  return Object.assign(new Error(message), { code: "EADDRINUSE", errno: -EADDRINUSE, syscall: "bind", address: path });
}

/** Removes the file if it is still the one that was bound. */
export function removeSocketFile(file: SocketFile): void {
  forget(file);
  try {
    const now = lstatSync(file.path, { throwIfNoEntry: false });
    if (now?.ino === file.ino && now.dev === file.dev) unlinkSync(file.path);
  } finally {
    // Afterwards: a Worker may be terminated at any step.
    native.disownFile(file.path);
  }
}

/** As `removeSocketFile`, after a failure: the caller is told of that one. */
export function discardSocketFile(file: SocketFile | undefined): void {
  if (file) closeQuietly(() => removeSocketFile(file));
}

async function replaceStale(socket: number, path: string, allowed: boolean, inUse: SyscallError): Promise<void> {
  const refuse = (reason: string): never => {
    throw explained(inUse, reason);
  };
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found && !found.isSocket()) refuse("there is a file that is not a socket. Choose another path or remove it.");
  if (!allowed) refuse("a socket file is there. Remove it if nobody listens on it any more.");
  // Two listeners that find the same stale file must not both remove it: the second would remove the first one's.
  // Before there is a lock, which is not held while this process waits for room.
  const probe = await withRoom(() => native.socket(SOCK_DGRAM));
  try {
    await withDirectoryLocked(dirname(resolve(path)), () => {
      const now = lstatSync(path, { throwIfNoEntry: false });
      if (now) removeIfStale(path, now, probe, refuse);
      bindTo(socket, path, resolve(path));
    });
  } finally {
    closeQuietly(() => native.close(probe));
  }
}

function removeIfStale(path: string, file: Stats, probe: number, refuse: (reason: string) => never): void {
  if (file.uid !== process.geteuid?.()) refuse(`a socket of uid ${file.uid} is there. Only its owner may replace it.`);
  if (!file.isSocket() || isAlive(path, probe))
    refuse("another process has that socket open. Choose another path, or end it.");
  unlinkSync(path);
}

function isAlive(path: string, probe: number): boolean {
  try {
    connectTo(probe, path);
    return true;
  } catch (error) {
    return !isSyscallError(error, "ECONNREFUSED");
  }
}

// Our own hold it for one turn of their event loop. But whoever may read a directory may lock it, in /tmp everybody, and a
// stranger's lock must not keep a service from its socket: so after a while it goes on without. What the lock is for then
// hangs on the probe alone, which comes right before the file is removed.
async function withDirectoryLocked(directory: string, work: () => void): Promise<void> {
  const fd = await withRoom(() => openToLock(directory));
  if (fd === undefined) return work();
  try {
    const deadline = performance.now() + MAX_LOCK_WAIT_MS;
    while (!naming({ path: directory }, () => native.tryLock(fd)) && performance.now() < deadline)
      await delay(LOCK_RETRY_MS);
    work();
  } finally {
    closeQuietly(() => closeSync(fd));
  }
}

function openToLock(directory: string): number | undefined {
  try {
    return openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    // One in which files can be made and not listed.
    if (isSyscallError(error, "EACCES")) return undefined;
    throw error;
  }
}

// What is left when the process ends, process.exit() included, is removed then: before other handlers run, which may
// remove the directories.
const live = new Set<SocketFile>();

function removeAll(): void {
  for (const file of live) {
    try {
      removeSocketFile(file);
    } catch {
      // Its directory is gone or read-only by now, and nobody is left to tell.
    }
  }
}

function remember(file: SocketFile): SocketFile {
  if (live.size === 0) process.prependListener("exit", removeAll);
  live.add(file);
  return file;
}

function forget(file: SocketFile): void {
  live.delete(file);
  if (live.size === 0) process.off("exit", removeAll);
}
