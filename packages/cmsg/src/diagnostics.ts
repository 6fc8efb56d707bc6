// What happens to descriptors that are being closed, seen from outside.
//
// diagnostics_channel first: subscribe to `cmsg:<event>` for objects. NODE_DEBUG=cmsg prints the same events as lines on
// stderr.
import { channel } from "node:diagnostics_channel";
import { debuglog, inspect } from "node:util";

/** The events, each a channel `cmsg:<event>`. */
const EVENTS = ["hang", "full", "free"] as const;

type DiagnosticEvent = (typeof EVENTS)[number];

const channels = new Map(EVENTS.map((event) => [event, channel(`cmsg:${event}`)]));

const log = debuglog("cmsg");

/** Publishes one event. */
export function publish(event: DiagnosticEvent, message: object): void {
  channels.get(event)?.publish(message);
  log("%s %s", event, inspect(message, { breakLength: Number.POSITIVE_INFINITY }));
}
