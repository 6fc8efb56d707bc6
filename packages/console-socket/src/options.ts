// What this package's functions take as numbers, signals, callbacks and arguments: one rule each. The rules that other
// packages share are OptionChecks'.
import type { Fd } from "cmsg";
import { OptionChecks } from "cmsg-native";
import { ConsoleSocketError } from "./errors.js";

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG, naming the option, what it may be, and the value. */
export const checks: OptionChecks = new OptionChecks(
  (message) => new ConsoleSocketError("ERR_CONSOLE_INVALID_ARG", message),
);

/** A limit that can be waived: Infinity is never. */
export function checkTimeout(name: string, timeoutMs: number | undefined): void {
  if (timeoutMs !== undefined) checks.timeMs(name, timeoutMs, { never: true });
}

/**
 * Not by instanceof: a program may have two copies of cmsg installed, each with an OwnedFd of its own.
 *
 * @returns the number of a borrowed descriptor. A closed OwnedFd throws cmsg's ERR_CMSG_CLOSED.
 */
export function checkFd(name: string, fd: Fd): number {
  const number = typeof fd === "object" && fd !== null ? fd.fd : fd;
  if (Number.isInteger(number) && number >= 0 && number <= 0x7fff_ffff) return number;
  throw checks.refusal(name, "a descriptor's number from 0 to 2147483647, or an OwnedFd", fd);
}

/** Users that may deliver. */
export function checkUids(name: string, uids: readonly number[] | "any"): void {
  if (uids === "any") return;
  if (!Array.isArray(uids)) throw checks.refusal(name, "'any' or an array of users' numbers", uids);
  for (const [index, uid] of uids.entries()) checks.id(`${name}[${index}]`, uid);
}
