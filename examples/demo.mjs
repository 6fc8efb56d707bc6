// The main job, end to end: listen, start a program whose terminal is opened elsewhere, receive that terminal, use it.
//
//   pnpm demo             a shell in namespaces of its own, behind console-init
//   pnpm demo --runc      a shell in a real container
//
// On a terminal it is yours until you leave the shell. Without one a few commands are typed for you.
import { attach, listen } from "console-socket";
import { startContainer } from "./demo/container.mjs";
import { startSandbox } from "./demo/sandbox.mjs";
import { typeCommands } from "./demo/typist.mjs";

const interactive = process.stdin.isTTY && process.stdout.isTTY;
const say = (text) => process.stdout.write(`${text}\n`);

async function main(args) {
  const unknown = args.find((arg) => arg !== "--runc");
  if (unknown) throw new Error(`unknown option ${unknown}. There is --runc, or nothing.`);
  const start = args.includes("--runc") ? startContainer : startSandbox;

  const { columns, rows } = interactive ? process.stdout : { columns: 80, rows: 24 };
  const listener = await listen(undefined, { initialSize: { columns, rows } });
  listener.on("refused", ({ error }) => say(`refused: ${error.message}`));
  const program = await start(listener.path, { say, interactive });
  stopOnSignals(listener, program);
  try {
    const failed = program.exited.then((status) => {
      throw new Error(`the program ended with ${status} before its console arrived`);
    });
    const terminal = await Promise.race([listener.accept(), failed]);
    say(
      `A terminal arrived over ${listener.path}${interactive ? ". Leave it with exit or Ctrl-D." : ", and shows:"}\n`,
    );
    if (interactive) await attach(terminal);
    else await typeCommands(terminal, ["tty", "stty size", "echo $((6 * 7))"], process.stdout);
    await program.exited;
    say("\nThe program has ended, and nothing is left of it.");
  } finally {
    listener.close();
    await program.stop();
  }
}

function stopOnSignals(listener, program) {
  for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
    process.once(signal, async () => {
      listener.close();
      await program.stop();
      process.exit(status);
    });
  }
}

main(process.argv.slice(2)).then(
  () => process.exit(),
  (error) => {
    process.stderr.write(`demo: ${error.message}\n`);
    process.exit(1);
  },
);
