import { readFileSync } from "node:fs";
import { until } from "./until.js";

/**
 * Wait until somebody listens on a Unix socket path, without connecting: a receiver in single mode would take that for
 * its console. The file alone is not enough, it is there from bind() on. Through /proc/net/unix, where SO_ACCEPTCON is
 * the flag 0x10000.
 */
export async function untilListening(path: string): Promise<void> {
  // "0000000000000000: 00000002 00000000 00010000 0001 01 16842 /run/s"
  const listens = (line: string) => line.endsWith(` ${path}`) && line.split(" ")[3] === "00010000";
  await until(() => readFileSync("/proc/net/unix", "utf8").split("\n").some(listens), {
    what: `a listener on ${path}`,
  });
}
