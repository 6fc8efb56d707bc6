// A shell in namespaces of its own, in your terminal, from Node: no runtime is installed, and nobody need be root.
//
//   node examples/sandboxed-shell.mjs                   a shell, yours until you leave it
//   node examples/sandboxed-shell.mjs COMMAND [ARG]...  a command; without a terminal, what it shows is printed
import { spawnConsole } from "console-init";
import { attach, receiveConsole } from "console-socket";

const [command = "sh", ...args] = process.argv.slice(2);
const interactive = process.stdin.isTTY && process.stdout.isTTY;
const { columns, rows } = interactive ? process.stdout : { columns: 80, rows: 24 };

const box = spawnConsole(command, args, {
  initialSize: { columns, rows },
  namespaces: { user: true, pid: true, mount: true, uts: true, ipc: true, net: true },
});

try {
  await box.ready;
  const terminal = await receiveConsole(box.socket);
  if (interactive) await attach(terminal);
  else for await (const bytes of terminal) process.stdout.write(bytes);
} catch (error) {
  process.stderr.write(`sandboxed-shell: ${error.message}\n`);
}
const { code, stderr } = await box.exited;
if (code === 126 || code === 127) process.stderr.write(stderr);
process.exitCode = code ?? 1;
