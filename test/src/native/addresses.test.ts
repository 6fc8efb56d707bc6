// Addresses as bytes, through the addon: what the kernel has is what was given, whatever bytes these are.
import { OwnedFd } from "cmsg";
import { native } from "cmsg-native";
import fc from "fast-check";
import t from "tap";
import { assertNoLeak, openFds } from "../support/open-fds.js";

const STREAM = 1;

t.test(
  "bind, connect and the names: any abstract name is the same bytes again; a longer one ENAMETOOLONG",
  async (t) => {
    const before = openFds();
    // Nobody else's: the process's id in front.
    const own = Buffer.from(`\0${process.pid} `);
    const seen = { names: 0, refusals: 0 };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 130, size: "max" }), (bytes) => {
        const name = Buffer.concat([own, bytes]);
        const [listener, client] = [new OwnedFd(native.socket(STREAM)), new OwnedFd(native.socket(STREAM))];
        try {
          native.bind(listener.fd, name);
          native.listen(listener.fd, 1);
          native.connect(client.fd, name);
          seen.names++;
          return (
            name.equals(native.getSocketName(listener.fd) ?? own) && name.equals(native.getPeerName(client.fd) ?? own)
          );
        } catch (error) {
          seen.refusals++;
          return (error as NodeJS.ErrnoException).code === "ENAMETOOLONG" && name.length > 108;
        } finally {
          listener.close();
          client.close();
        }
      }),
      { numRuns: 1000 },
    );
    t.ok(seen.names > 100 && seen.refusals > 20, JSON.stringify(seen));
    await assertNoLeak(t, before);
  },
);
