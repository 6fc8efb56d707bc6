// A failure after bind(2) leaves no socket file, and keeps its reason.
import fs, { readdirSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { UnixServer, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import { listen } from "console-socket";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { tempDir } from "../support/temp-dir.js";

const failure = Object.assign(new Error("a failure"), { code: "ENOMEM" });
const fail = (): never => {
  throw failure;
};

/** What follows bind(2), and what makes it fail; each returns what undoes that. */
const steps: Record<string, () => () => void> = {
  lstat() {
    const { lstatSync } = fs;
    Object.assign(fs, { lstatSync: fail });
    syncBuiltinESMExports();
    return () => {
      Object.assign(fs, { lstatSync });
      syncBuiltinESMExports();
    };
  },
  listen() {
    const { listen } = native;
    native.listen = fail;
    return () => {
      native.listen = listen;
    };
  },
  "listen, and then unlink"() {
    const { unlinkSync } = fs;
    const { listen } = native;
    let calls = 0;
    native.listen = fail;
    fs.unlinkSync = (path) => {
      calls++;
      unlinkSync(path);
      throw Object.assign(new Error("unlink"), { code: "EROFS" });
    };
    syncBuiltinESMExports();
    return () => {
      native.listen = listen;
      fs.unlinkSync = unlinkSync;
      syncBuiltinESMExports();
      if (calls === 0) throw new Error("unlink was not called");
    };
  },
  watch() {
    const { Watcher } = native;
    native.Watcher = class {
      constructor() {
        fail();
      }
    } as unknown as typeof Watcher;
    return () => {
      native.Watcher = Watcher;
    };
  },
};

/** Runs `bind` with each of the steps failing, in a directory that must be empty afterwards. */
async function withEach(t: Test, names: string[], bind: (directory: string) => Promise<unknown>): Promise<void> {
  const before = openFds();
  const directory = tempDir(t);
  for (const name of names) {
    const undo = steps[name]?.();
    const failed = await bind(directory).catch((error: unknown) => error);
    undo?.();
    t.equal(failed, failure, `${name}: fails with its reason`);
    t.strictSame(readdirSync(directory), [], `${name}: nothing is left`);
  }
  await assertNoLeak(t, before);
}

t.test("UnixServer.listen", (t) => withEach(t, Object.keys(steps), (directory) => UnixServer.listen(`${directory}/s`)));

t.test("UnixSocket.bind", (t) => withEach(t, ["lstat", "watch"], (directory) => UnixSocket.bind(`${directory}/s`)));

t.test("a stale file's place", (t) =>
  withEach(t, ["listen", "watch"], async (directory) => {
    const stale = native.socket(1);
    native.bind(stale, Buffer.from(`${directory}/s`));
    native.close(stale);
    await UnixServer.listen(`${directory}/s`, { replaceStale: true });
  }),
);

t.test("listen() of console-socket, with a path and without", async (t) => {
  await withEach(t, Object.keys(steps), (directory) => listen(`${directory}/s`));
  const { TMPDIR } = process.env;
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
  });
  await withEach(t, Object.keys(steps), (directory) => {
    process.env["TMPDIR"] = directory;
    return listen();
  });
});
