// What this package's functions take as numbers, signals and callbacks: one rule each. The rules that other packages share
// are OptionChecks'.
import { type Credentials, OptionChecks, type Range, SCM_MAX_FD } from "cmsg-native";
import { CmsgError } from "./errors.js";

/** @throws CmsgError ERR_CMSG_INVALID_ARG, naming the option, what it may be, and the value. */
export const checks: OptionChecks = new OptionChecks((message) => new CmsgError("ERR_CMSG_INVALID_ARG", message));

/** Bytes of control data, for the arithmetic of cmsg(3). */
export function checkBytes(bytes: number): void {
  checks.whole("bytes", bytes, { min: 0, unit: "bytes" });
}

// Asked for every message, so the ranges are made once.
const LENGTH: Range = { min: 1, unit: "bytes" };
const MAX_FDS: Range = { min: 0, max: SCM_MAX_FD, unit: "descriptors" };

/** Bytes of one recvmsg(2). */
export function checkLength(length: number): void {
  checks.whole("length", length, LENGTH);
}

/** Descriptors of one message. */
export function checkMaxFds(maxFds: number): void {
  checks.whole("maxFds", maxFds, MAX_FDS);
}

/** listen(2): 0 holds one connection. The kernel lowers what is more than net.core.somaxconn. */
export function checkBacklog(backlog: number): void {
  checks.whole("backlog", backlog, { min: 0, unit: "connections" });
}

/** chmod(2). */
export function checkMode(mode: number | undefined): void {
  if (mode === undefined || (Number.isInteger(mode) && mode >= 0 && mode <= 0o7777)) return;
  throw checks.refusal("mode", "permission bits from 0 to 0o7777", mode);
}

/** What Duplex takes as the mark where it stops to buffer. */
export function checkHighWaterMark(name: string, bytes: number | undefined): void {
  if (bytes !== undefined) checks.whole(name, bytes, { min: 0, unit: "bytes" });
}

/** SCM_CREDENTIALS, as sendmsg(2) takes them. */
export function checkCredentials({ pid, uid, gid }: Credentials): void {
  checks.whole("credentials.pid", pid, { min: 0 });
  checks.id("credentials.uid", uid);
  checks.id("credentials.gid", gid);
}
