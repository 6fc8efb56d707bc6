// Containers that are launched while system calls of this process fail. What fails in the keeper: executables.ts.
import { once } from "node:events";
import { type LaunchedContainer, launch } from "console-socket";
import { fakeRuntime } from "../../support/fake-runtime.js";
import { ending, expect, type Operation, together } from "./expect.js";

async function launched(place: string): Promise<void> {
  const container = await launch(fakeRuntime(["sh", "-c", "echo shown; exit 3", place]));
  const { terminal, exited } = container;
  using _console = ending(terminal);
  terminal.resume();
  // It can have failed before it was handed out.
  const closed = terminal.destroyed ? Promise.reject(terminal.errored) : once(terminal, "close");
  terminal.resize(100, 30);
  container.kill("SIGCONT");
  await together([closed, exited], () => terminal.destroy());
  const { code, signal } = await exited;
  // EIO of a read says that the program has left its terminal: the console's end is the hangup of one that has not.
  expect(code === 3 || signal === "SIGHUP", `status 3, not ${signal ?? code}`);
}

// Also when the handle of its process fails; nobody but its parent, the keeper, frees the number.
function kill(container: LaunchedContainer): void {
  let reached = false;
  try {
    reached = container.kill("SIGKILL");
  } finally {
    if (!reached) process.kill(container.pid, "SIGKILL");
  }
}

async function left(place: string): Promise<void> {
  const container = await launch(fakeRuntime(["sh", "-c", "read line; exit 3", place]));
  const { terminal, exited } = container;
  using _console = ending(terminal);
  terminal.on("error", () => undefined);
  let failure: { error: unknown } | undefined;
  await container.leave().catch((error: unknown) => {
    failure = { error };
  });
  // Hung up when that failed, and alive otherwise.
  if (failure) terminal.destroy();
  else kill(container);
  const { signal } = await exited;
  if (failure) throw failure.error;
  // SIGHUP where its reader was killed.
  expect(signal === "SIGKILL" || signal === "SIGHUP", `SIGKILL, not ${signal}`);
}

export const containers: Readonly<Record<string, Operation>> = { launch: launched, "launch, leave": left };
