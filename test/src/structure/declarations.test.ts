// What the declarations of the entry points show: nothing that only these packages may call.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { repository } from "../support/paths.js";

for (const name of ["cmsg", "console-socket", "init"]) {
  const dist = join(repository, "packages", name, "dist");
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".d.ts"));
  const lines = files.flatMap((file) =>
    readFileSync(join(dist, file), "utf8")
      .split("\n")
      .map((line) => ({ file, line })),
  );

  // Classes of the entry points' own. Those of a protocol below are not exported.
  const hooks = lines.filter(({ file, line }) => /^ {4}_[a-z]+\(/.test(line) && !file.startsWith("kata/rpc/"));

  t.test(`${name}: completion on a stream shows no hooks (_read …) of these packages' own`, async (t) => {
    t.same(hooks, []);
    t.ok(files.length > 5, "the declarations are there");
  });

  t.test(`${name}: no internal member is declared`, async (t) => {
    t.same(
      lines.filter(({ line }) => line.includes("@internal")),
      [],
    );
  });
}
