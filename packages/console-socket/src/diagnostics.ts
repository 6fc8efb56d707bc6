// What happens to sockets and consoles, seen from outside: never what is written on them.
//
// diagnostics_channel first: subscribe to `console-socket:<event>` for objects. NODE_DEBUG=console-socket prints the same
// events as lines on stderr.
import { channel } from "node:diagnostics_channel";
import { debuglog, inspect } from "node:util";
import { native } from "cmsg-native";

/** The events, each a channel `console-socket:<event>`. */
export const EVENTS = ["listen", "connect", "refuse", "receive", "resize", "tamper", "hangup", "end"] as const;

export type DiagnosticEvent = (typeof EVENTS)[number];

const channels = new Map(EVENTS.map((event) => [event, channel(`console-socket:${event}`)]));

const log = debuglog("console-socket");

/**
 * Publishes one event, if anybody listens.
 *
 * @param fd the socket or master it is about, borrowed; its number and inode are added. A launched console has none here
 */
export function publish(event: DiagnosticEvent, fd: number | undefined, details: object = {}): void {
  const listeners = channels.get(event);
  if (!log.enabled && !listeners?.hasSubscribers) return;
  const message = { ...(fd !== undefined && { fd, ino: inodeOf(fd) }), ...details };
  listeners?.publish(message);
  log("%s %s", event, inspect(message, { breakLength: Number.POSITIVE_INFINITY }));
}

// Undefined where a seccomp profile refuses statx(2).
function inodeOf(fd: number): bigint | undefined {
  try {
    return native.identify(fd).ino;
  } catch {
    return undefined;
  }
}
