// `console-socket run -- RUNTIME ARGUMENT...`: a detached container in this terminal, as if in the foreground.
import { safeText } from "../../console/safe-text.js";
import type { LaunchedContainer } from "../../launch/launched.js";
import { shellStatus } from "../../process/exit-status.js";
import { UsageError } from "../arguments.js";
import type { Command } from "../command.js";
import { COMMON, type CommonOptions, commonOptions, DETACH_KEYS, detachKeysOf } from "../common-options.js";
import type { Copies } from "../copies.js";
import { prepare } from "../prepare.js";
import type { Report } from "../report.js";
import { connect, initialSize, wantsOnlcr } from "../terminal.js";

interface RunOptions extends CommonOptions {
  detachKeys: string | undefined;
  argv: readonly string[];
}

export const run: Command<RunOptions> = {
  description: {
    name: "run",
    usage: "run [OPTION]... -- RUNTIME ARGUMENT...",
    about:
      "run runs the runtime's command, which starts a container and returns (run --detach, create, exec --detach), and ends with the container's exit status. An argument {} becomes the path of the socket, {pid} that of a pid file.",
    options: [DETACH_KEYS],
    commonOptions: COMMON,
    examples: [
      {
        title: "Both in one:",
        commands: ["console-socket run -- runc run -d --console-socket {} --pid-file {pid} box"],
      },
    ],
    exitStatus: {
      0: "the container ended with 0, or was left with the detach keys",
      "1-255": "the container's own; 128+n when signal n ended it",
      126: "the runtime's command cannot be run",
      127: "the runtime's command was not found",
    },
  },

  parse(args) {
    const { positionals, afterDashes } = args;
    const [surplus] = positionals;
    if (surplus !== undefined) {
      const word = JSON.stringify(surplus);
      throw new UsageError(`-- is expected between the options and the runtime's command; there is ${word}`);
    }
    if (!afterDashes?.length) throw new UsageError("the runtime's command is missing; it stands after --");
    return { ...commonOptions(args), detachKeys: detachKeysOf(args), argv: afterDashes };
  },

  async run(options, report) {
    const { argv, timeoutMs } = options;
    const { copies, dying } = await prepare(options);
    const { launch } = await import("../../launch/launch.js");
    const container = await launch(argv, {
      initialSize: initialSize(options),
      onlcr: wantsOnlcr(options),
      timeoutMs,
      // Ends the runtime's command, should it still run.
      signal: dying,
    });
    reportWarnings(container, report);
    report.event("console", { name: container.terminal.name, pid: container.pid });
    const outcome = await connect(container.terminal, options, { copies, command: argv.join(" ") });
    return outcome === "detached" ? leave(container, copies, report) : waitForEnd(container, copies, report);
  },
};

// What the runtime printed although it succeeded. Made safe to show: it may repeat what an image calls itself.
function reportWarnings({ output }: LaunchedContainer, report: Report): void {
  for (const line of output.split("\n").filter(Boolean)) report.error(new Error(safeText(line)), "warning");
}

async function waitForEnd({ exited }: LaunchedContainer, copies: Copies, report: Report): Promise<number> {
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
