// A person's terminal: a tmux server of the test's own, in which a program runs as it would in somebody's window.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import type { Size } from "./bundle.js";
import { run } from "./processes.js";
import { showOnFailure } from "./show-on-failure.js";
import { tempDir } from "./temp-dir.js";
import { until } from "./until.js";

export interface TmuxOptions extends Partial<Size> {
  env?: Record<string, string>;
  cwd?: string;
}

// tmux 3.3 forgets now and then how its program ended (it misses the SIGCHLD), so a shell keeps the status, as 128+n for
// a signal, in the file $0. Its traps are only to outlive a Ctrl-C; the program does not inherit them.
const KEEP = 'trap : INT QUIT; "$@"; echo $? >"$0.new"; mv "$0.new" "$0"';

export class Tmux {
  #t: Test;
  #dir: string;
  #status: string;
  #lastScreen = "";

  private constructor(t: Test, dir: string) {
    this.#t = t;
    this.#dir = dir;
    this.#status = join(dir, "status");
  }

  /** Run a command in a new window (default 80x24); needs("tmux"). The server and the program end with the test. */
  static async start(t: Test, command: string[], options: TmuxOptions = {}): Promise<Tmux> {
    const { columns = 80, rows = 24, env = {}, cwd } = options;
    const tmux = new Tmux(t, tempDir(t));
    // The window stays when its program has ended, so that the last screen and the exit status can be read. No status
    // line: the program then has every row.
    writeFileSync(join(tmux.#dir, "conf"), "set -g remain-on-exit on\nset -g status off\nset -g exit-empty on\n");
    t.teardown(async () => {
      if (!t.passing()) await tmux.screen().catch(() => {}); // there may be no server any more
      await tmux.#call("kill-server");
    });
    showOnFailure(`the screen of ${command.join(" ")}`, () => tmux.#lastScreen);
    const variables = Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
    const size = ["-x", String(columns), "-y", String(rows)];
    const place = cwd === undefined ? [] : ["-c", cwd];
    await tmux.#read("new-session", "-d", ...size, ...place, ...variables, "sh", "-c", KEEP, tmux.#status, ...command);
    return tmux;
  }

  #call(...args: string[]) {
    const { TMUX: _, ...env } = process.env; // set when the tests themselves run in tmux
    const options = ["-u", "-f", join(this.#dir, "conf"), "-S", join(this.#dir, "socket")];
    return run(this.#t, "tmux", [...options, ...args], { env });
  }

  async #read(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#call(...args);
    if (status !== 0) throw new Error(`tmux ${args[0]}: ${stderr}`);
    return stdout;
  }

  /** Type text as it is. */
  async type(text: string): Promise<void> {
    await this.#read("send-keys", "-l", "--", text);
  }

  /** Press keys by tmux' names: "Enter", "C-c", "C-p". */
  async press(...keys: string[]): Promise<void> {
    await this.#read("send-keys", "--", ...keys);
  }

  /** The visible screen, one line per row, without trailing spaces. */
  async screen(): Promise<string> {
    this.#lastScreen = await this.#read("capture-pane", "-p");
    return this.#lastScreen;
  }

  /** Wait until the screen matches. */
  async waitFor(pattern: RegExp, timeoutMs = 15_000): Promise<RegExpMatchArray> {
    const shows = async () => (await this.screen()).match(pattern) ?? undefined;
    return until(shows, { what: () => `${pattern} on this screen:\n${this.#lastScreen}`, timeoutMs });
  }

  /** Give the window another size, as a person drags its corner. */
  async resize({ columns, rows }: Size): Promise<void> {
    await this.#read("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** The terminal's path here, to ask `stty -F` whether it is raw. */
  async tty(): Promise<string> {
    return (await this.#read("display-message", "-p", "#{pane_tty}")).trim();
  }

  /** Wait for the program to end: its exit status, or the number of the signal that ended it as 128+n. */
  async exitStatus(timeoutMs = 15_000): Promise<number> {
    await until(() => existsSync(this.#status), { what: "the program in tmux to end", timeoutMs });
    return Number(readFileSync(this.#status, "utf8"));
  }
}
