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

/** undefined unless NODE_DEBUG names cmsg. */
export const forgotten: { track(owner: object, fd: number): Origin; release(origin: Origin): void } | undefined =
  debug.enabled ? tracker() : undefined;

function tracker(): NonNullable<typeof forgotten> {
  const registry = new FinalizationRegistry<Held>(({ fd, stack }) => {
    debug(
      "descriptor %d (%s) was forgotten: its OwnedFd was garbage collected and never closed. It stays open until " +
        "its thread ends. It came from\n%s",
      fd,
      nameOf(fd),
      stack,
    );
  });
  return {
    track(owner, fd) {
      const held: { stack: string } = { stack: "" };
      Error.captureStackTrace(held, this.track);
      const token = {};
      registry.register(owner, { fd, stack: held.stack.split("\n").slice(1).join("\n") }, token);
      return { token };
    },
    release({ token }) {
      registry.unregister(token);
    },
  };
}

// A link's text: nothing of the file is asked.
function nameOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "unknown";
  }
}
