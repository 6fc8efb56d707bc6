// The soak's short form: what it says of descriptors, threads and bytes. Memory and the event loop are judged in runs of two minutes and more.
import { join } from "node:path";
import t from "tap";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";

const [command, ...options] = plainNode;
const soak = [...options, join(repository, "scripts/soak/main.mjs")];

t.test(
  "twenty seconds of consoles and containers leave nothing",
  { skip: needs("root", "runc", "crun", "unshare", "busybox", "python3") },
  async (t) => {
    const { status, stdout, stderr } = await run(t, command, [...soak, "--minutes", "0.3", "--held", "400"]);
    t.equal(stderr, "");
    const each = [
      "bytes",
      "programs",
      "floods",
      "containers of runc",
      "containers of crun",
      "refused",
      "tampered",
      "words",
    ];
    t.match(stdout, new RegExp(`^400 held, ${each.map((what) => `[1-9]\\d* ${what}`).join(", ")};`));
    t.equal(status, 0, stdout);
  },
);

t.test("more terminals than the kernel has: it says which setting", async (t) => {
  const { status, stdout, stderr } = await run(t, command, [...soak, "--held", "1000000000"]);
  t.match({ status, stdout }, { status: 2, stdout: "" });
  t.match(stderr, /^soak: kernel\.pty\.max leaves \d+ terminals, not 1000000000: sysctl kernel\.pty\.max=\d+\n$/);
});
