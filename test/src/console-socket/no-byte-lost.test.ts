// 1000 programs that write and exit at once: every byte arrives, in order, before the end, however it is read.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { consoleInitPath } from "console-init";
import { listen, type PtyConsole } from "console-socket";
import t from "tap";
import { digestOfNumbers } from "../support/numbers.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { start } from "../support/processes.js";

type Reader = (console: PtyConsole, take: (chunk: Buffer) => void) => Promise<void>;

const readers: Record<string, Reader> = {
  "at once": async (console, take) => {
    await once(console.on("data", take), "end");
  },
  slowly: async (console, take) => {
    for await (const chunk of console) {
      take(chunk);
      await turn();
    }
  },
  "paused and resumed": async (console, take) => {
    console.on("data", (chunk: Buffer) => {
      take(chunk);
      console.pause();
      setImmediate(() => console.resume());
    });
    await once(console, "end");
  },
  "when it is long over": async (console, take) => {
    await delay(30);
    await once(console.on("data", take), "end");
  },
  "beside a busy loop": async (console, take) => {
    const busy = setInterval(() => {
      for (const until = performance.now() + 2; performance.now() < until; );
    }, 1);
    await once(console.on("data", take), "end");
    clearInterval(busy);
  },
};

// A line discipline that changes nothing, and bytes whose order shows.
const program = (bytes: number) => ["sh", "-c", `stty raw -echo; seq 1 1000000 | head -c ${bytes}`];

const sizes = [1, 8192, 65536, 1_048_576];
const roundsOf = { 1: 50, 8192: 50, 65536: 50, 1048576: 50 } as Record<number, number>;
const digests = new Map(sizes.map((bytes) => [bytes, digestOfNumbers(bytes)]));

for (const [how, read] of Object.entries(readers)) {
  t.test(`read ${how}: 200 programs, from 1 byte to 1 MiB`, async (t) => {
    const before = openFds();
    const run = async (bytes: number): Promise<string> => {
      const listener = await listen();
      const args = ["--ptmx", "/dev/ptmx", "--console-socket", listener.path, "--", ...program(bytes)];
      const { ended } = start(t, consoleInitPath(), args);
      const console = await listener.accept();
      listener.close();
      const hash = createHash("sha256");
      await read(console, (chunk) => hash.update(chunk));
      await ended;
      return hash.digest("hex");
    };
    for (const bytes of sizes) {
      let whole = 0;
      const rounds = roundsOf[bytes] ?? 0;
      for (let done = 0; done < rounds; done += 10) {
        const digests10 = await Promise.all(Array.from({ length: 10 }, () => run(bytes)));
        whole += digests10.filter((digest) => digest === digests.get(bytes)).length;
      }
      t.equal(whole, rounds, `${rounds} of ${bytes} bytes arrived whole`);
    }
    await assertNoLeak(t, before);
  });
}
