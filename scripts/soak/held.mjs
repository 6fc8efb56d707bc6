// Consoles that are held all the time, delivered by another process, beside connections that never bring any.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { listen } from "console-socket";

const SENDER = fileURLToPath(new URL("sender.mjs", import.meta.url));

export class Held {
  #listener;
  #sender;
  #terminals = [];
  #spoken = 0;
  #ending = false;

  /** `count` consoles, and `silent` connections that are waited for without a limit. */
  static async open(count, silent) {
    const held = new Held();
    held.#listener = await listen(undefined, { silentPeerTimeoutMs: Infinity });
    const args = [SENDER, held.#listener.path, String(count), String(silent)];
    held.#sender = spawn(process.execPath, args, { stdio: ["pipe", "inherit", "inherit"] });
    held.#sender.once("exit", (code, signal) => {
      if (!held.#ending) throw new Error(`the held consoles' sender ended with ${signal ?? code}`);
    });
    for (let n = 0; n < count; n++) {
      const console = await held.#listener.accept();
      const terminal = { console, seen: "" };
      console.on("data", (chunk) => {
        terminal.seen += chunk.toString("latin1");
      });
      held.#terminals[Number(console.name)] = terminal;
    }
    return held;
  }

  /** Each of the next `count` says something that it has not said before, and shows that alone. */
  async speak(count) {
    const lines = [];
    for (let n = 0; n < Math.min(count, this.#terminals.length); n++) {
      const index = this.#spoken % this.#terminals.length;
      lines.push({ index, text: `this is ${index}, and word ${this.#spoken++}` });
      this.#terminals[index].seen = "";
    }
    this.#sender.stdin.write(lines.map(({ index, text }) => `${index} ${text}\n`).join(""));
    for (const { index, text } of lines) {
      const terminal = this.#terminals[index];
      while (terminal.seen.length < text.length) await once(terminal.console, "data");
      if (terminal.seen !== text) throw new Error(`held console ${index} showed ${JSON.stringify(terminal.seen)}`);
    }
    return lines.length;
  }

  /** All of them are hung up at once. */
  async end() {
    this.#ending = true;
    const closed = this.#terminals.map(({ console }) => once(console, "close"));
    const exited = once(this.#sender, "exit");
    this.#sender.stdin.end();
    await Promise.all([...closed, exited]);
    this.#listener.close();
  }
}
