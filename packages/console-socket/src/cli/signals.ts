// Signals of the command: put the terminal and the file system in order, then do what the signal would have done.
import type { RawTerminal } from "../raw-terminal.js";

const DEADLY = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** Before one of the deadly signals takes its effect, `tidy` runs. Whoever waits for this process sees that signal. */
export function tidyBeforeDying(tidy: () => void): void {
  for (const signal of DEADLY) {
    process.once(signal, () => {
      tidy();
      process.kill(process.pid, signal);
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
