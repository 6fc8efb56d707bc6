// Which descriptors this process has open: every test with a hostile peer ends by comparing with what it was.
import { readdirSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { until } from "./until.js";

// What a process opens once and keeps is opened here, so that no test needs a first use of its subject before it looks.
// The addon opens its epoll and /proc/self/fd while it is loaded. libuv opens /dev/null with an event loop's first
// stream, and keeps it for the day when descriptors run out.
import "cmsg-native";

createServer().listen(`\0open-fds-${process.pid}`).close();

/** Descriptor number to what it is: a path, `socket:[inode]`, `anon_inode:[eventpoll]`. */
export type OpenFds = ReadonlyMap<number, string>;

/** What this process has open now, without the descriptor that the look itself needs. */
export function openFds(): OpenFds {
  const table = new Map<number, string>();
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      table.set(Number(name), readlinkSync(`/proc/self/fd/${name}`));
    } catch {
      // Closed between the two calls: the directory's own descriptor always is.
    }
  }
  return table;
}

function surplus(before: OpenFds, allow?: RegExp): string[] {
  return [...openFds()]
    .filter(([fd, what]) => before.get(fd) !== what && !allow?.test(what))
    .map(([fd, what]) => `${fd} -> ${what}`);
}

/**
 * Pass when nothing is open that was not open `before`. Refused descriptors are closed on a thread (their close may
 * block), and sockets at the end of a turn of the event loop, so this waits for them, but not for long.
 *
 * `allow` names what may stay: a descriptor that the subject opens at its first use and keeps.
 */
export async function assertNoLeak(
  t: { strictSame(found: string[], wanted: string[], message: string): boolean },
  before: OpenFds,
  { allow, timeoutMs = 2000 }: { allow?: RegExp; timeoutMs?: number } = {},
): Promise<void> {
  let left: string[] = [];
  try {
    await until(
      () => {
        left = surplus(before, allow);
        return left.length === 0;
      },
      { what: "descriptors to close", timeoutMs },
    );
  } catch {
    // The assertion below says it better.
  }
  t.strictSame(left, [], "no descriptor is left open");
}
