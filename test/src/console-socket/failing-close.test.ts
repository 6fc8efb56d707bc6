// An error of close(2) ends no console, and is not the outcome of what used the descriptor.
import { once } from "node:events";
import { OwnedFd } from "cmsg";
import { native } from "cmsg-native";
import { spawnConsole } from "console-init";
import { PtyConsole, receiveConsole } from "console-socket";
import t from "tap";
import { failCloses } from "../support/failing-close.js";
import { openHostPty } from "../support/host-pty.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";

t.test("a console that is destroyed has no error, and hangs up", async (t) => {
  const before = openFds();
  const { ptmx, peer } = openHostPty();
  const terminal = PtyConsole.fromFd(new OwnedFd(ptmx.release()));
  failCloses(t);
  terminal.destroy();
  await once(terminal, "close");
  t.equal(terminal.errored, null);
  try {
    peer.close();
  } catch {
    // The caller's own says EIO.
  }
  await assertNoLeak(t, before);
});

t.test("endAfter of a pidfd ends the console", async (t) => {
  const before = openFds();
  const box = spawnConsole("sh", ["-c", "trap '' HUP; sleep 2 &"], { ptmx: "/dev/ptmx" });
  const terminal = await receiveConsole(box.socket);
  const pid = await box.ready;
  const pidfd = native.openPidfd(pid as number);
  terminal.endAfter(pidfd, { drainTimeoutMs: 10 });
  failCloses(t);
  terminal.resume();
  await once(terminal, "end");
  t.throws(() => native.close(pidfd), { code: "EIO" });
  await box.exited;
  await assertNoLeak(t, before);
});
