// Short-lived programs in real containers: 50 of each runtime write and exit at once, and every byte arrives.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { listen } from "console-socket";
import t from "tap";
import { Container } from "../support/container.js";
import { digestOfNumbers } from "../support/numbers.js";
import { assertNoLeak, openFds } from "../support/open-fds.js";
import { needs } from "../support/requirements.js";
import { runtimes } from "../support/runtimes.js";

const sizes = [1, 8192, 65536, 1_048_576];

for (const runtime of runtimes.filter(({ name }) => name !== "runsc")) {
  t.test(`${runtime.name}: 50 programs`, { skip: needs(...runtime.needs) }, async (t) => {
    const box = new Container(t, runtime, { args: ["/bin/sleep", "1000"], terminal: false });
    t.match(await box.run(), { status: 0 });
    const before = openFds();
    const listener = await listen();
    for (let round = 0; round < 50; round++) {
      const bytes = sizes[round % sizes.length] as number;
      const script = `stty raw -echo; seq 1 1000000 | head -c ${bytes}`;
      const running = box.exec(["/bin/sh", "-c", script], listener.path);
      const console = await listener.accept();
      const hash = createHash("sha256");
      await once(
        console.on("data", (chunk) => hash.update(chunk)),
        "end",
      );
      t.match(await running, { status: 0 });
      t.equal(hash.digest("hex"), digestOfNumbers(bytes), `${bytes} bytes`);
    }
    listener.close();
    await assertNoLeak(t, before);
  });
}
