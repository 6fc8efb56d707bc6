// The soak's short form: what it says of descriptors, threads and bytes. Memory and the event loop are judged in runs of
// two minutes and more: here in samples that are made up.
import { join } from "node:path";
import t from "tap";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";

const [command, ...options] = plainNode;
const main = join(repository, "scripts/soak/main.mjs");
const soak = [...options, main];

t.test(
  "twenty seconds of consoles and containers leave nothing",
  { skip: needs("root", "runc", "crun", "unshare", "busybox", "python3") },
  async (t) => {
    const { status, stdout, stderr } = await run(t, command, [...soak, "--minutes", "0.3", "--held", "400"]);
    // Of the first close that hangs.
    t.match(stderr, /^\(node:\d+\) \[CMSG_CLOSE_HANGS\] .*\n\(Use .*\)\n$/);
    const each = [
      "bytes",
      "programs",
      "floods",
      "containers of runc",
      "containers of crun",
      "refused",
      "lingering",
      "tampered",
      "words",
    ];
    t.match(stdout, new RegExp(`^400 held, ${each.map((what) => `[1-9]\\d* ${what}`).join(", ")};`));
    t.equal(status, 0, stdout);
  },
);

t.test("what is planted is found: descriptors, and a process", { skip: needs("python3") }, async (t) => {
  const plant = ["--import", join(repository, "test/fixtures/planted-leak.mjs")];
  const short = ["--minutes", "0.05", "--held", "10", "--runtime", "none"];
  const { status, stdout } = await run(t, command, [...options, ...plant, main, ...short]);
  t.equal(status, 1, stdout);
  t.match(stdout, /^not flat: fds: \d+ at the beginning, \d+ at the end$/m);
  t.match(stdout, /^not flat: left behind: process sleep 1000$/m);
  t.notMatch(stdout, /NaN/);
});

t.test("more terminals than the kernel has: it says which setting", { skip: needs("root") }, async (t) => {
  const { status, stdout, stderr } = await run(t, command, [...soak, "--held", "1000000000"]);
  t.match({ status, stdout }, { status: 2, stdout: "" });
  t.match(stderr, /^soak: kernel\.pty\.max leaves \d+ terminals, not 1000000000: sysctl kernel\.pty\.max=\d+\n$/);
});

const { judge } = await import(join(repository, "scripts/soak/judge.mjs"));

/** Ten minutes, a sample each five seconds, of a process that is as `changes` say at each moment, and else flat. */
function samples(changes: Record<string, (seconds: number) => number>) {
  return Array.from({ length: 120 }, (_, n) => {
    const seconds = 5 * (n + 1);
    const flat = {
      rss: 107 + (n % 7) / 7,
      heap: 12,
      external: 2,
      delay: 40,
      typicalDelay: 1,
      waited: 600,
      elapsed: 5000,
    };
    const changed = Object.entries(changes).map(([name, at]) => [name, at(seconds)]);
    return { seconds, ...flat, ...Object.fromEntries(changed) };
  });
}

for (const [what, changes, problems] of [
  ["flat but for its noise", {}, []],
  ["that grows while it begins", { heap: (at: number) => 8 + Math.min(4, at / 70) }, []],
  [
    "whose heap grows 60 KiB in a minute",
    { heap: (at: number) => 12 + at / 1000 },
    [/^heap 12\.\d+ -> 12\.\d+ MiB: more/],
  ],
  ["whose resident size grows 1 MiB in a minute", { rss: (at: number) => 107 + at / 60 }, [/^rss .* more than 2 MiB/]],
  ["held up once", { delay: (at: number) => (at === 300 ? 2000 : 40) }, [/^a turn of the event loop took 1400 ms/]],
  ["without a processor", { delay: (at: number) => (at === 300 ? 2000 : 40), waited: () => 2500 }, []],
] as const) {
  t.test(`ten minutes of a process ${what}`, async (t) => {
    const judged = judge(samples(changes));
    t.equal(judged.problems.length, problems.length, judged.problems.join("; "));
    t.match(judged.problems, [...problems]);
  });
}
