// Terminals in which a command runs as a shell's child, and what a person does with the shell inside.
import type { Test } from "tap";
import { Tmux, type TmuxOptions } from "./tmux.js";

/** Starts the command in a window. At its end the window shows its status, and the terminal's settings. */
export function startInWindow(t: Test, command: readonly string[], options?: TmuxOptions): Promise<Tmux> {
  const line = 'PS1= "$@"; echo "status=$?"; stty -a; read -r _';
  return Tmux.start(t, ["sh", "-c", line, "sh", ...command], options);
}

/**
 * Asks the shell inside for its terminal, which must have the window's `size`; resizes the window; interrupts a program.
 * `sleeping` waits until that program, `sleep`, runs.
 */
export async function useShell(
  t: Test,
  window: Tmux,
  size: { columns: number; rows: number },
  sleeping: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  await window.waitFor(/#$/m);
  await window.type("stty size; tty");
  await window.press("Enter");
  await window.waitFor(new RegExp(`^${size.rows} ${size.columns}\n/dev/pts/0$`, "m"));
  await window.resize({ columns: 100, rows: 30 });
  await window.type("while [ \"$(stty size)\" != '30 100' ]; do :; done; echo resi''zed");
  await window.press("Enter");
  await window.waitFor(/^resized$/m);
  await window.type("sleep 1000; echo interr''upted");
  await window.press("Enter");
  await sleeping();
  await window.press("C-c");
  await window.type("echo st''ill here");
  await window.press("Enter");
  await window.waitFor(/^still here$/m);
  t.notMatch(await window.screen(), /interrupted/, "Ctrl-C reached the program inside");
}
