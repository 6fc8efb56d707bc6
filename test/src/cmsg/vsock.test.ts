// cmsg/vsock as far as it goes without a transport: no test here sends anything to another machine, which on a host of
// virtual machines, or in one, connecting would. `pnpm verify --only vsock` runs the rest in a machine of its own.
import { PORT_ANY, VsockServer, VsockStream } from "cmsg/vsock";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";

t.test(
  "VsockStream.connect and VsockServer.listen [an address that is none] refuse it before any system call",
  async (t) => {
    const before = openFds();
    const wrong = { code: "ERR_CMSG_INVALID_ARG", message: /(cid|port) to be .* from 0 to 4294967295; got / };
    for (const number of [-1, 2 ** 32, 1.5, Number.NaN, "3", undefined, null]) {
      await t.rejects(VsockStream.connect({ cid: number as number, port: 1 }), wrong, `CID ${number}`);
      await t.rejects(VsockStream.connect({ cid: 1, port: number as number }), wrong, `port ${number}`);
      if (number !== undefined)
        await t.rejects(VsockServer.listen({ cid: number as number }), wrong, `listening on CID ${number}`);
    }
    await assertNoLeak(t, before);
  },
);

t.test("VsockStream.connect [a signal that was sent before] does not begin", async (t) => {
  const before = openFds();
  const reason = new Error("enough");
  await t.rejects(VsockStream.connect({ cid: 1, port: 1 }, { signal: AbortSignal.abort(reason) }), reason);
  await assertNoLeak(t, before);
});

t.test("VsockServer.listen binds, or says that the kernel has no AF_VSOCK", async (t) => {
  const server = await VsockServer.listen().catch((error: NodeJS.ErrnoException) => error);
  if (!(server instanceof VsockServer)) {
    t.match(server, {
      code: "EAFNOSUPPORT",
      syscall: "socket",
      address: "vsock://4294967295:4294967295",
      message: /^socket EAFNOSUPPORT: [^:]+ vsock:\/\/\d+:\d+: this kernel has no AF_VSOCK: load the module vsock/,
    });
    return;
  }
  t.not(server.address.port, PORT_ANY, "the kernel chose a port");
  t.notOk(server.closed);
  const accepting = t.rejects(server.accept(), { code: "ERR_CMSG_CLOSED" });
  server.close();
  server.close();
  await accepting;
  t.ok(server.closed);
  await t.rejects(server.accept(), { code: "ERR_CMSG_CLOSED" });
  const before = openFds();
  // A number that no machine has: bind(2) looks at this machine's own only.
  await t.rejects(VsockServer.listen({ cid: 0xffff_fff0 }), {
    code: "EADDRNOTAVAIL",
    address: "vsock://4294967280:4294967295",
    message: /not one of this machine's own/,
  });
  await assertNoLeak(t, before);
});
