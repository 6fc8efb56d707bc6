// Signals of the command: put the terminal and the file system in order, then do what the signal would have done.
import type { RawTerminal } from "../attach/raw-terminal.js";

const DEADLY = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/**
 * Before one of the deadly signals takes its effect, everything that is put in order at this process's exit is: sockets
 * and directories are removed, the terminal is restored. Then `finish` has its time; a second signal does not wait.
 * Whoever waits for this process sees the signal.
 */
export function tidyBeforeDying(finish: (signal: NodeJS.Signals) => Promise<void>): void {
  for (const signal of DEADLY) {
    process.once(signal, () => {
      process.emit("exit", 0);
      const die = (): void => {
        process.kill(process.pid, signal);
      };
      finish(signal).then(die, die);
    });
  }
}

/** A stop from outside (kill -TSTP; Ctrl-Z goes into the container) gives the terminal back while it lasts. */
export function restoreWhileStopped(terminal: RawTerminal): void {
  process.on("SIGTSTP", () => {
    terminal.restore();
    process.kill(process.pid, "SIGSTOP");
  });
  process.on("SIGCONT", () => terminal.enter());
}
