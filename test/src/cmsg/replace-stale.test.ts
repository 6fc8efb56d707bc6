// replaceStale: the file that a killed listener left is replaced, and nothing is taken away that is not ours.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { UnixServer, UnixSocket } from "cmsg";
import { native } from "cmsg-native";
import t from "tap";
import { listenAsNobody } from "../support/listen-as-nobody.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

/** A socket file as a killed process leaves it. */
function leaveStale(path: string): void {
  const fd = native.socket(1);
  native.bind(fd, Buffer.from(path));
  native.close(fd);
}

t.test("replaceStale replaces a dead socket's file, and only with the option", async (t) => {
  const path = `${tempDir(t)}/s`;
  leaveStale(path);
  await t.rejects(UnixServer.listen(path), {
    code: "EADDRINUSE",
    address: path,
    message: /^bind EADDRINUSE: .*: a socket file is there/,
  });
  t.ok(existsSync(path));
  const server = await UnixServer.listen(path, { replaceStale: true });
  t.ok(existsSync(path));
  server.close();
});

t.test(
  "replaceStale [alive: listening, or bound and not yet listening] is EADDRINUSE, unnoticed by its owner",
  async (t) => {
    const path = `${tempDir(t)}/s`;
    const fd = native.socket(1);
    native.bind(fd, Buffer.from(path));
    const refusal = { code: "EADDRINUSE", message: /another process has that socket open/ };
    await t.rejects(UnixServer.listen(path, { replaceStale: true }), refusal);
    native.listen(fd, 5);
    await t.rejects(UnixServer.listen(path, { replaceStale: true }), refusal);
    t.equal(native.accept(fd), -1, "no connection was made");
    t.ok(existsSync(path));
    native.close(fd);
    unlinkSync(path);
  },
);

t.test("replaceStale [a file, a directory, a symbolic link] is EADDRINUSE, and nothing is touched", async (t) => {
  const dir = tempDir(t);
  leaveStale(`${dir}/stale`);
  writeFileSync(`${dir}/file`, "content");
  symlinkSync(`${dir}/stale`, `${dir}/link`);
  for (const name of ["file", "link", "."]) {
    await t.rejects(UnixServer.listen(`${dir}/${name}`, { replaceStale: true }), {
      code: "EADDRINUSE",
      message: /not a socket/,
    });
  }
  t.equal(readFileSync(`${dir}/file`, "utf8"), "content");
  t.ok(lstatSync(`${dir}/link`).isSymbolicLink() && existsSync(`${dir}/stale`));
});

t.test("replaceStale [another user's] is EADDRINUSE", { skip: needs("root") }, async (t) => {
  const path = `${tempDir(t)}/s`;
  leaveStale(path);
  spawnSync("chown", ["65534", path]);
  await t.rejects(UnixServer.listen(path, { replaceStale: true }), { code: "EADDRINUSE", message: /uid 65534/ });
  t.ok(existsSync(path));
});

t.test("replaceStale [a stranger holds a lock on the directory, and keeps it] replaces all the same", async (t) => {
  const dir = tempDir(t);
  leaveStale(`${dir}/s`);
  const lock = openSync(dir, "r");
  t.ok(native.tryLock(lock));
  const server = await UnixServer.listen(`${dir}/s`, { replaceStale: true });
  t.ok(existsSync(server.path));
  server.close();
  closeSync(lock);
});

t.test("replaceStale [the directory cannot be listed] replaces all the same", { skip: needs("root") }, async (t) => {
  const dir = tempDir(t);
  leaveStale(`${dir}/s`);
  for (const path of [dir, `${dir}/s`]) chownSync(path, 65534, 65534);
  chmodSync(dir, 0o300);
  t.equal(await listenAsNobody(t, `${dir}/s`, { replaceStale: true }), "listens");
});

t.test("two listeners that find the same stale file: one has it, the other is told", async (t) => {
  const path = `${tempDir(t)}/s`;
  leaveStale(path);
  const results = await Promise.allSettled([1, 2, 3].map(() => UnixServer.listen(path, { replaceStale: true })));
  const servers = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  t.equal(servers.length, 1);
  const client = await UnixSocket.connect(path);
  (await servers[0]?.accept())?.close();
  client.close();
  servers[0]?.close();
});
