// With NODE_DEBUG=cmsg: which descriptors were forgotten, and where they came from. Without it nothing is tracked: a
// FinalizationRegistry costs a tenth of the rate of messages.
import { readlinkSync } from "node:fs";
import { debuglog } from "node:util";

const debug = debuglog("cmsg");

export interface Origin {
  /** Let go of when the descriptor is closed or given away. */
  readonly token: object;
}

interface Held {
  fd: number;
  stack: string;
}

interface Tracker {
  track(owner: object, fd: number): Origin;
  release(origin: Origin): void;
  /** `call`, as if it were made from here: what it makes came from whoever asked for it, not from the event loop. */
  askedHere<Result>(call: () => Result): () => Result;
}

/** undefined unless NODE_DEBUG names cmsg. */
export const forgotten: Tracker | undefined = debug.enabled ? tracker() : undefined;

function tracker(): Tracker {
  const registry = new FinalizationRegistry<Held>(({ fd, stack }) => {
    debug(
      "descriptor %d (%s) was forgotten: its OwnedFd was garbage collected and never closed. It stays open until " +
        "its thread ends. It came from\n%s",
      fd,
      nameOf(fd),
      stack,
    );
  });
  let asked: string | undefined;
  return {
    track(owner, fd) {
      const token = {};
      registry.register(owner, { fd, stack: asked ?? callers(this.track) }, token);
      return { token };
    },
    release({ token }) {
      registry.unregister(token);
    },
    askedHere(call) {
      const stack = callers(this.askedHere);
      return () => {
        asked = stack;
        try {
          return call();
        } finally {
          asked = undefined;
        }
      };
    },
  };
}

// Enough to get out of this package.
const MAX_FRAMES = 50;

/** The stack from the function of this package that was called from outside, without what is within. */
function callers(below: (...args: never) => unknown): string {
  const held: { stack: string } = { stack: "" };
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = MAX_FRAMES;
  Error.captureStackTrace(held, below);
  Error.stackTraceLimit = limit;
  const frames = held.stack.split("\n").slice(1);
  const own = new URL("..", import.meta.url).href;
  const outside = frames.findIndex((frame) => !frame.includes(own) && !frame.endsWith("(<anonymous>)"));
  return frames.slice(Math.max(0, outside - 1)).join("\n");
}

// A link's text: nothing of the file is asked.
function nameOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "unknown";
  }
}
