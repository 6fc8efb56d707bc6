// console-keeper killed at every system call: strace ends it, or its child that is about to become the runtime's command,
// with SIGKILL at its first one of a kind, its second, and so on. launch() settles, the container is hung up, and nothing
// stays: no descriptor, no process, no socket.
import t from "tap";
import { attempt } from "../faults/attempt.js";
import { containers } from "../faults/operations/containers.js";
import { underStrace } from "../faults/steering.js";
import { needs } from "../support/requirements.js";
import { untraceable } from "../support/traced.js";

t.test("the keeper, killed at every system call", { skip: needs("python3", "strace") || untraceable }, async (t) => {
  const operation = containers["launch, leave"];
  if (!operation) throw new Error("no such operation");
  const kill = (instruction: string) => attempt(operation, instruction, underStrace);
  // Twice: what is opened once and kept is there afterwards.
  await kill("count");
  const { counts, failure, problems } = await kill("count");
  t.strictSame([failure, problems], [undefined, []], "whole");
  const ends = new Map<string, number>();
  for (const [call, count] of counts) {
    for (let k = 1; k <= count; k++) {
      const killed = await kill(`kill ${call} ${k}`);
      t.strictSame(killed.problems, [], `${call} #${k}: ${killed.failure ?? "success"}`);
      // Which call is the last of a kind can depend on what comes together.
      if (!killed.hit) continue;
      const end = killed.failure?.match(/^\w+/)?.[0] ?? "success";
      ends.set(end, (ends.get(end) ?? 0) + 1);
    }
  }
  t.ok([...ends.values()].reduce((sum, count) => sum + count) > 40, `it was killed: ${JSON.stringify([...ends])}`);
  t.ok((ends.get("ConsoleSocketError") ?? 0) > 20, "mostly launch() or the exit status says so");
});
