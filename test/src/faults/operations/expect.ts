// What the operations are made of: each is small, uses its own sockets and terminals, closes them, and throws when
// something else came than was sent. `using` closes all of them, also when one close fails.
import { openSync } from "node:fs";
import { OwnedFd } from "cmsg";

/** `place` is a path for a socket, in a directory of its own. */
export type Operation = (place: string) => Promise<void>;

class Wrong extends Error {}

export function expect(right: boolean, what: string): void {
  if (!right) throw new Wrong(`expected ${what}`);
}

/** Disposes of a stream or a console. */
export function ending<Stream extends { destroy(): unknown }>(stream: Stream): { stream: Stream } & Disposable {
  return { stream, [Symbol.dispose]: () => void stream.destroy() };
}

/** Closes all of them, also when one close fails. */
export class Several implements Disposable {
  readonly fds: OwnedFd[];

  constructor(fds: OwnedFd[]) {
    this.fds = fds;
  }

  [Symbol.dispose](): void {
    const fd = this.fds.pop();
    if (!fd) return;
    try {
      fd.close();
    } finally {
      this[Symbol.dispose]();
    }
  }
}

export const somebody = (): OwnedFd => new OwnedFd(openSync("/proc/version", "r"));

/** All must succeed; when one fails the others are let go, since nobody sends or reads any more. */
export async function together(parts: Promise<unknown>[], letGo: () => void): Promise<void> {
  let first: { error: unknown } | undefined;
  const all = parts.map((part) =>
    part.catch((error) => {
      first ??= { error };
      letGo();
    }),
  );
  await Promise.all(all);
  if (first) throw first.error;
}
