// What this package's functions take as numbers, signals and arguments: one rule each. The rules that other packages share
// are OptionChecks'.
import { OptionChecks } from "cmsg-native";
import { InitError } from "./errors.js";

/** @throws InitError ERR_INIT_INVALID_ARG, naming the option, what it may be, and the value. */
export const checks: OptionChecks = new OptionChecks((message) => new InitError("ERR_INIT_INVALID_ARG", message));

/** A user and a group. */
export function checkUser(name: string, user: { uid: number; gid: number }): void {
  if (typeof user !== "object" || user === null) throw checks.refusal(name, "{uid, gid}", user);
  checks.id(`${name}.uid`, user.uid);
  checks.id(`${name}.gid`, user.gid);
}

/** A pid of kill(2): 0 and negative numbers are groups. */
export function checkPid(name: string, pid: number): number {
  return checks.whole(name, pid, { min: 1 });
}
