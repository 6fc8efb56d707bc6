// A file in memory, memfd_create(2), and what must not be done to it any more.
import {
  closeQuietly,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  native,
} from "cmsg-native";
import { type Fd, numberOf, OwnedFd } from "../fd/owned-fd.js";
import { checks } from "../options.js";

/**
 * What every holder of the file is denied for ever, fcntl(2) F_ADD_SEALS: to make it smaller (a reader that maps it gets no
 * SIGBUS), to make it larger, to write to it, to write to it except through mappings that exist already (Linux 5.1), to add
 * a seal.
 */
export type Seal = "shrink" | "grow" | "write" | "future-write" | "seal";

const SEALS: Record<Seal, number> = {
  shrink: F_SEAL_SHRINK,
  grow: F_SEAL_GROW,
  write: F_SEAL_WRITE,
  "future-write": F_SEAL_FUTURE_WRITE,
  seal: F_SEAL_SEAL,
};

export interface MemfdOptions {
  /** Bytes of the file, which are 0: from 0 (the default) to 9007199254740991. Memory is used when they are written. */
  size?: number | undefined;
  /**
   * Seals of the new file. Without this option no holder can add one later; with it (an empty array does) `addSeals`
   * can, unless `"seal"` is among them.
   */
  seal?: readonly Seal[] | undefined;
}

const MAX_NAME_BYTES = 249;

/**
 * memfd_create(2): a file that has no path, and lasts as long as a process has it open. The descriptor is the caller's to
 * close, close-on-exec, for reading and writing. From Linux 6.3 on the file is not executable.
 *
 *     using state = memfd("state", { seal: [] });
 *     writeSync(state.fd, JSON.stringify({ round: 3 }));
 *     addSeals(state, ["write", "grow", "shrink", "seal"]);
 *     await storeFds("state", [state]); // its receivers read what was written here
 *
 * @param name what /proc/PID/fd shows as `/memfd:NAME`: at most 249 bytes of UTF-8 without NUL. Several files may have it.
 * @throws CmsgError ERR_CMSG_INVALID_ARG (the name, `size`, `seal`); EMFILE, ENFILE, ENOMEM; EFBIG, EINVAL (a size that
 * the kernel does not take), EINVAL (a seal that it does not know), EACCES (sysctl vm.memfd_noexec)
 */
export function memfd(name: string, { size = 0, seal }: MemfdOptions = {}): OwnedFd {
  checkName(name);
  checks.whole("size", size, { min: 0, max: Number.MAX_SAFE_INTEGER, unit: "bytes" });
  const seals = seal === undefined ? F_SEAL_SEAL : bitsOf("seal", seal);
  const file = new OwnedFd(native.memfd(name));
  try {
    if (size > 0) native.truncate(file.fd, size);
    if (seals !== 0) native.addSeals(file.fd, seals);
    return file;
  } catch (error) {
    closeQuietly(() => file.close());
    throw error;
  }
}

/**
 * fcntl(2) F_ADD_SEALS of a memfd, which is borrowed. A seal holds for every process that has the file, and cannot be taken
 * away. Seal before the file is sent: a receiver that finds the seals it needs can trust the contents.
 *
 *     using table = memfd("table", { size: 4096, seal: ["shrink", "grow"] });
 *     writeSync(table.fd, rows);
 *     addSeals(table, ["write"]);
 *
 * @throws CmsgError ERR_CMSG_INVALID_ARG, ERR_CMSG_CLOSED; EBADF; EBUSY (`"write"` while a writable mapping exists), EINVAL
 * (it is no memfd, or the kernel does not know the seal), EPERM (it has the seal `"seal"`, or is open for reading only)
 */
export function addSeals(fd: Fd, seals: readonly Seal[]): void {
  const bits = bitsOf("seals", seals);
  native.addSeals(numberOf(fd), bits);
}

function checkName(name: string): void {
  checks.argument("name", name);
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw checks.refusal("name", `a string of at most ${MAX_NAME_BYTES} bytes`, name);
}

function bitsOf(option: string, seals: readonly Seal[]): number {
  if (!Array.isArray(seals)) throw checks.refusal(option, "an array of seals", seals);
  const names = Object.keys(SEALS) as Seal[];
  let bits = 0;
  for (const [index, seal] of seals.entries()) bits |= SEALS[checks.oneOf<Seal>(`${option}[${index}]`, seal, names)];
  return bits;
}
