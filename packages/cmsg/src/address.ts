// Addresses of Unix sockets, unix(7): a pathname, or a name in the kernel's own abstract space.
import { CmsgError } from "./errors.js";

/** A path, or `{abstract: name}`, which leaves no file. Command lines write the second one as `@name`. */
export type UnixAddress = string | { readonly abstract: string };

// sizeof(sun_path). A pathname may fill it without a NUL behind it; an abstract name has its NUL in front.
const SUN_PATH_BYTES = 108;

/**
 * The bytes of sun_path.
 *
 * @throws CmsgError ERR_CMSG_INVALID_ARG
 */
export function sunPath(address: UnixAddress): Buffer {
  const abstract = typeof address !== "string";
  const name = abstract ? address.abstract : address;
  if (typeof name !== "string" || name === "" || (!abstract && name.includes("\0"))) {
    throw new CmsgError("ERR_CMSG_INVALID_ARG", "A socket's address is a path without NUL, or {abstract: name}.");
  }
  const bytes = Buffer.from(abstract ? `\0${name}` : name);
  if (bytes.length <= SUN_PATH_BYTES) return bytes;
  throw new CmsgError(
    "ERR_CMSG_INVALID_ARG",
    `A Unix socket's ${abstract ? "abstract name has at most 107" : "path has at most 108"} bytes; ` +
      `this one has ${Buffer.byteLength(name)}: ${JSON.stringify(name)}. Use a shorter one.`,
  );
}

/** As command lines write it and messages show it. */
export function addressText(address: UnixAddress): string {
  return typeof address === "string" ? address : `@${address.abstract}`;
}
