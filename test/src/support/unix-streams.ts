// Connected UnixStreams, and what came out of one.
import { closeSync } from "node:fs";
import { UnixStream } from "cmsg";
import { native, SOCK_STREAM } from "cmsg-native";
import type { Test } from "tap";

/** Two connected streams, gone with the test. */
export function streamPair(t: Test, options: { allowHalfOpen?: boolean } = {}): [UnixStream, UnixStream] {
  const ends = native.socketpair(SOCK_STREAM).map((fd) => UnixStream.connect({ fd, ...options }));
  t.teardown(() => {
    for (const end of ends) end.destroy();
  });
  return ends as [UnixStream, UnixStream];
}

/** Bytes, and how many descriptors came at once, in the order of their events. The descriptors are closed. */
export function record(stream: UnixStream): (string | number)[] {
  const events: (string | number)[] = [];
  stream.on("fds", (fds: number[]) => {
    events.push(fds.length);
    for (const fd of fds) closeSync(fd);
  });
  stream.on("data", (data: Buffer) => events.push(data.toString()));
  return events;
}
