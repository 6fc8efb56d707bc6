// sendFile and recvFile: runc's contract, to the letter, and no descriptor left over on any refusal.
import { readSync, writeFileSync } from "node:fs";
import { MAX_NAME_BYTES, recvFile, sendFile, UnixServer, UnixSocket } from "cmsg";
import t, { type Test } from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { type PeerStep, startPeer } from "../support/peer.js";
import { needs } from "../support/requirements.js";
import { tempDir } from "../support/temp-dir.js";

/** What recvFile makes of what a peer, not of this project, sends. */
async function receiveFrom(t: Test, send: NonNullable<Extract<PeerStep, { send: unknown }>["send"]>) {
  const server = await UnixServer.listen(`${tempDir(t)}/s`);
  const peer = startPeer(t, [{ connect: server.path }, { send }, { close: true }]);
  const connection = await server.accept();
  server.close();
  try {
    return await recvFile(connection);
  } finally {
    connection.close();
    await peer.done();
  }
}

t.test("a file and its name", async (t) => {
  const before = openFds();
  const [one, other] = UnixSocket.pair();
  await sendFile(one, "näme", 0);
  const { name, fd } = await recvFile(other);
  t.equal(name.toString(), "näme");
  t.not(fd.fd, 0);
  fd.close();
  one.close();
  other.close();
  await assertNoLeak(t, before);
});

t.test("what another language sends", { skip: needs("python3") }, async (t) => {
  const content = `${tempDir(t)}/content`;
  writeFileSync(content, "what the sender opened");
  const { name, fd } = await receiveFrom(t, { payload: "/dev/ptmx", fds: [{ open: content }] });
  t.equal(name.toString(), "/dev/ptmx");
  const bytes = Buffer.alloc(4096);
  t.equal(bytes.toString("utf8", 0, readSync(fd.fd, bytes, 0, 4096, null)), "what the sender opened");
  fd.close();
});

t.test("the longest name is 4095 bytes", { skip: needs("python3") }, async (t) => {
  const { name, fd } = await receiveFrom(t, { payload: { repeat: "n", times: 4095 }, fds: ["null"] });
  t.equal(name.length, 4095);
  fd.close();
});

const refusals = [
  {
    what: "a name of 4096 bytes",
    send: { payload: { repeat: "n", times: 4096 }, fds: ["null"] },
    code: "ERR_CMSG_NAME_TOO_LONG",
  },
  {
    what: "a name of 10000 bytes",
    send: { payload: { repeat: "n", times: 10_000 }, fds: ["null"] },
    code: "ERR_CMSG_NAME_TOO_LONG",
  },
  { what: "no descriptor", send: { payload: "name" }, code: "ERR_CMSG_NO_FD" },
  { what: "two descriptors", send: { payload: "name", fds: ["null", "pipe"] }, code: "ERR_CMSG_FD_COUNT" },
  {
    what: "253 descriptors",
    send: { payload: "name", fds: [{ kind: "null", times: 253 }] },
    code: "ERR_CMSG_FD_COUNT",
  },
] as const;

for (const { what, send, code } of refusals) {
  t.test(`recvFile [${what}] rejects ${code}`, { skip: needs("python3") }, async (t) => {
    const before = openFds();
    await t.rejects(receiveFrom(t, send as never), { name: "CmsgError", code });
    await assertNoLeak(t, before);
  });
}

t.test("recvFile [peer closes first] rejects ERR_CMSG_EOF", async (t) => {
  const [one, other] = UnixSocket.pair();
  one.close();
  await t.rejects(recvFile(other), { code: "ERR_CMSG_EOF" });
  other.close();
});

t.test("recvFile [signal] rejects with its reason", async (t) => {
  const [one, other] = UnixSocket.pair();
  const controller = new AbortController();
  const waiting = recvFile(other, { signal: controller.signal });
  controller.abort();
  await t.rejects(waiting, { name: "AbortError" });
  one.close();
  other.close();
});

t.test("sendFile [name empty or too long] sends nothing", async (t) => {
  const [one, other] = UnixSocket.pair();
  await t.rejects(sendFile(one, "", 0), { code: "ERR_CMSG_NO_DATA" });
  await t.rejects(sendFile(one, "n".repeat(MAX_NAME_BYTES), 0), { code: "ERR_CMSG_NAME_TOO_LONG" });
  one.close();
  t.equal(await other.receive(), null);
  other.close();
});
