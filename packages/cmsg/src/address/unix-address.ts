// Addresses of Unix sockets, unix(7): a pathname, or a name in the kernel's own abstract space.
import { closeSync, constants, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { closeQuietly, native, SUN_PATH_BYTES, waitingForRoom } from "cmsg-native";
import { CmsgError, naming } from "../errors.js";

/**
 * A path, or `{abstract: name}`, which leaves no file. Command lines write the second one as `@name`.
 *
 * A path longer than the 108 bytes of sun_path is reached through its directory, opened and named in /proc: only its
 * last component must be short, about 90 bytes.
 */
export type UnixAddress = string | { readonly abstract: string };

// Missing in fs.constants; one value on every architecture that Node runs on.
export const O_PATH = 0o10000000;

const openDirectory = waitingForRoom((path: string) => openSync(path, O_PATH | constants.O_DIRECTORY));

/** Calls `use` with the bytes of sun_path, good for the call only. */
function withSunPath<Result>(address: UnixAddress, use: (sunPath: Buffer) => Result): Result {
  const bytes = checkedBytes(address);
  if (bytes.length <= SUN_PATH_BYTES) return use(bytes);
  if (typeof address !== "string") {
    throw new CmsgError(
      "ERR_CMSG_INVALID_ARG",
      `An abstract socket name has at most ${SUN_PATH_BYTES - 1} bytes; this one has ${bytes.length - 1}.`,
    );
  }
  const directory = openDirectory(dirname(address));
  try {
    const through = Buffer.from(`/proc/self/fd/${directory}/${basename(address)}`);
    if (through.length <= SUN_PATH_BYTES) return use(through);
    throw new CmsgError(
      "ERR_CMSG_INVALID_ARG",
      `A socket's path of more than ${SUN_PATH_BYTES} bytes (this one has ${bytes.length}) may have a last component ` +
        `of ${SUN_PATH_BYTES - through.length + Buffer.byteLength(basename(address))} bytes: ` +
        `${JSON.stringify(basename(address))} is longer. Use a shorter name.`,
    );
  } finally {
    closeQuietly(() => closeSync(directory));
  }
}

function checkedBytes(address: UnixAddress): Buffer {
  const abstract = typeof address === "object" && address !== null;
  const name = abstract ? address.abstract : address;
  if (typeof name !== "string" || name === "" || (!abstract && name.includes("\0"))) {
    throw new CmsgError("ERR_CMSG_INVALID_ARG", "A socket's address is a path without NUL, or {abstract: name}.");
  }
  return Buffer.from(abstract ? `\0${name}` : name);
}

/**
 * bind(2); without an address the kernel chooses an abstract name. An error has the address.
 *
 * @param file the absolute path, which the end of the environment removes, until `native.disownFile`
 */
export function bindTo(socket: number, address: UnixAddress | undefined, file?: string): void {
  if (address === undefined) native.bind(socket, Buffer.alloc(0));
  else callWith(address, (sunPath) => native.bind(socket, sunPath, file));
}

/** connect(2): false when the listener's backlog is full. An error has the address. */
export function connectTo(socket: number, address: UnixAddress): boolean {
  return callWith(address, (sunPath) => native.connect(socket, sunPath));
}

/** Makes a call with sun_path as sendmsg(2) takes it: a pathname ends in NUL where there is room. */
export function withSocketName<Result>(address: UnixAddress, call: (sunPath: Buffer) => Result): Result {
  return callWith(address, (bytes) =>
    call(bytes[0] === 0 || bytes.length === SUN_PATH_BYTES ? bytes : Buffer.concat([bytes, Buffer.alloc(1)])),
  );
}

function callWith<Result>(address: UnixAddress, call: (sunPath: Buffer) => Result): Result {
  return withSunPath(address, (bytes) => naming({ address: addressText(address) }, () => call(bytes)));
}

/** @throws CmsgError ERR_CMSG_INVALID_ARG */
export function checkAddress(address: UnixAddress): void {
  checkedBytes(address);
}

/** What the kernel gave as sun_path. */
export function addressOf(sunPath: Buffer | null): UnixAddress | undefined {
  if (sunPath === null || sunPath.length === 0) return undefined;
  if (sunPath[0] === 0) return { abstract: sunPath.toString("utf8", 1) };
  const end = sunPath.indexOf(0);
  return sunPath.toString("utf8", 0, end < 0 ? sunPath.length : end);
}

/** As command lines write it and messages show it. */
export function addressText(address: UnixAddress): string {
  return typeof address === "object" && address !== null ? `@${address.abstract}` : String(address);
}
