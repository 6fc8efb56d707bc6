// One run of an operation, and what is wrong afterwards.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type OpenFds, openFds } from "../support/open-fds.js";
import { processesNaming } from "../support/processes.js";
import type { Operation } from "./operations/expect.js";
import { type Counts, preloaded } from "./steering.js";

export interface Outcome {
  hit: boolean;
  counts: Counts;
  /** What the operation rejected with, when it did. */
  failure?: string;
  /** What does not survive the fault. */
  problems: string[];
}

let uncaught: unknown[] = [];
process.on("uncaughtException", (error) => uncaught.push(error));
process.on("unhandledRejection", (error) => uncaught.push(error));

/** What is wrong with an error, or undefined: it has a code, and says something. */
function judge(error: unknown): string | undefined {
  const { code, message, error: inner } = error as { code?: unknown; message?: unknown; error?: unknown };
  if (typeof code === "string" && message) return undefined;
  // What `using` makes of two failures, SuppressedError, has the second one inside.
  return inner === undefined ? String((error as Error).stack ?? error) : judge(inner);
}

const temporary = tmpdir();

/** What makes calls fail. */
export interface Steering {
  begin(): void;
  end(): void;
  /** What happened; when everybody has ended who took part. */
  report(): Pick<Outcome, "hit" | "counts">;
}

/** Runs it with an order: in a directory of its own, which is what it has for its temporary files too. */
export async function attempt(
  operation: Operation,
  instruction: string,
  steer: (instruction: string, place: string) => Steering = preloaded,
): Promise<Outcome> {
  const before = openFds();
  const there = new Set(children());
  const place = mkdtempSync(join(temporary, "f-"));
  process.env["TMPDIR"] = place;
  uncaught = [];
  const failures: unknown[] = [];
  const steering = steer(instruction, place);
  try {
    steering.begin();
    await operation(join(place, "s"));
  } catch (thrown) {
    failures.push(thrown ?? new Error("rejected with nothing"));
  } finally {
    steering.end();
  }
  await new Promise(setImmediate);
  const problems = failures.map(judge).filter((problem) => problem !== undefined);
  problems.push(...(await left(before, there, place)));
  problems.push(...uncaught.map((one) => `thrown where nobody catches: ${(one as Error)?.stack}`));
  const { hit, counts } = steering.report();
  // A file whose removal failed does stay.
  const files = readdirSync(place, { recursive: true });
  if (files.length > 0 && !/ (unlink|rmdir) /.test(instruction)) problems.push(`left behind: ${files.join(", ")}`);
  rmSync(place, { recursive: true, force: true });
  return { hit, counts, problems, ...(failures.length > 0 && { failure: String(failures[0]) }) };
}

/** What is open and was not, and who is there; waits a moment for what ends by itself, at the end of a turn or elsewhere. */
async function left(before: OpenFds, there: ReadonlySet<string>, place: string): Promise<string[]> {
  let surplus: string[] = [];
  for (let look = 0; look < 200; look++) {
    surplus = [
      // Standard streams are there for ever, whatever they lead to.
      ...[...openFds()]
        .filter(([fd, what]) => fd > 2 && before.get(fd) !== what)
        .map(([fd, what]) => `open: ${fd} -> ${what}`),
      ...children()
        .filter((pid) => !there.has(pid))
        .map((pid) => `child, or its zombie: ${pid}`),
      ...processesNaming(place).map((pid) => `process: ${pid}`),
    ];
    if (surplus.length === 0) return surplus;
    await (look < 5 ? new Promise(setImmediate) : delay(10));
  }
  return surplus;
}

function children(): string[] {
  const tasks = readdirSync("/proc/self/task").flatMap((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/children`, "latin1").split(" ");
    } catch {
      return []; // a thread that has ended meanwhile
    }
  });
  return tasks.filter((pid) => pid !== "");
}
