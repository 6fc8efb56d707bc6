// `console-socket run -- RUNTIME ARGUMENT...`: a detached container in this terminal, as if in the foreground.

import { launch } from "../../launch/launch.js";
import type { LaunchedContainer } from "../../launch/launched.js";
import { shellStatus } from "../../process/exit-status.js";
import { Copies } from "../copies.js";
import type { RunOptions } from "../options.js";
import type { Report } from "../report.js";
import { tidyBeforeDying } from "../signals.js";
import { connect, initialSize, wantsOnlcr } from "../terminal.js";

export async function run(options: RunOptions, report: Report): Promise<number> {
  const { argv, timeoutMs, detachKeys } = options;
  if (detachKeys !== undefined) (await import("../../attach/detach-keys.js")).parseDetachKeys(detachKeys);
  const copies = await Copies.open(options);
  const dying = new AbortController();
  tidyBeforeDying(async () => {
    // The runtime command, should it still run, is told to end.
    dying.abort();
    await copies.finish();
  });
  const container = await launch(argv, {
    initialSize: initialSize(options),
    onlcr: wantsOnlcr(options),
    timeoutMs,
    signal: dying.signal,
  });
  warnings(container, report);
  report.event("console", { name: container.terminal.name, pid: container.pid });
  return (await connect(container.terminal, options, { copies, command: argv.join(" ") })) === "detached"
    ? leave(container, copies, report)
    : ended(container, copies, report);
}

// What the runtime said although it succeeded. Made safe to show: it may repeat what an image calls itself.
function warnings({ output }: LaunchedContainer, report: Report): void {
  for (const line of output.split("\n").filter(Boolean))
    report.error(new Error(line.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\u{fffd}")), "warning");
}

async function ended({ exited }: LaunchedContainer, copies: Copies, report: Report): Promise<number> {
  const exit = await exited;
  const status = shellStatus(exit);
  await copies.finish(status);
  report.event("ended", exit);
  return status;
}

async function leave(container: LaunchedContainer, copies: Copies, report: Report): Promise<number> {
  await container.leave();
  await copies.finish();
  report.event("detached", { pid: container.pid });
  return 0;
}
