// A headless Chromium, driven over its DevTools protocol through a pipe: fd 3 takes commands, fd 4 answers, each a JSON
// text with a NUL behind it.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Test } from "tap";
import { showOnFailure } from "./show-on-failure.js";
import { tempDir } from "./temp-dir.js";
import { until } from "./until.js";

const LAST_LOOK_MS = 1000;

interface Answer {
  id?: number;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** One page; needs("chromium"). The browser ends with the test. */
export class Page {
  readonly #browser: ChildProcess;
  readonly #pending: Map<number, (answer: Answer) => void> = new Map();
  #calls = 0;
  #lastText = "";
  #session: string | undefined;

  private constructor(browser: ChildProcess) {
    this.#browser = browser;
    let text = "";
    (browser.stdio[4] as Readable).setEncoding("utf8").on("data", (chunk: string) => {
      const messages = (text + chunk).split("\0");
      text = messages.pop() ?? "";
      for (const message of messages) this.#hear(JSON.parse(message));
    });
  }

  static async open(t: Test, url: string): Promise<Page> {
    // Its sandbox needs what root in a container does not have; the page is this repository's own.
    const options = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--remote-debugging-pipe",
    ];
    // Whatever it keeps beside its profile (crash reports, dconf's cache) goes where the test's files go.
    const home = tempDir(t);
    const env: NodeJS.ProcessEnv = { ...process.env, HOME: home };
    for (const name of ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"]) delete env[name];
    const browser = spawn("chromium", [...options, `--user-data-dir=${join(home, "profile")}`, "about:blank"], {
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
      env,
    });
    const ended = once(browser, "exit");
    const page = new Page(browser);
    showOnFailure(`the page ${url}`, () => page.#lastText);
    t.teardown(async () => {
      // It may be closed, or stuck: this is the last look, not another test.
      if (!t.passing()) await Promise.race([page.text("body"), delay(LAST_LOOK_MS)]).catch(() => {});
      browser.kill("SIGKILL");
      await ended;
    });
    const { targetId } = await page.#call("Target.createTarget", { url });
    const { sessionId } = await page.#call("Target.attachToTarget", { targetId, flatten: true });
    page.#session = sessionId as string;
    return page;
  }

  /** Ends the browser as a person does, all of its processes. */
  async close(): Promise<void> {
    const ended = once(this.#browser, "exit");
    this.#session = undefined;
    await this.#call("Browser.close");
    await ended;
  }

  /** The text of the first element that matches `selector`; empty without one. */
  async text(selector: string): Promise<string> {
    const expression = `document.querySelector(${JSON.stringify(selector)})?.innerText ?? ""`;
    const { result } = await this.#call("Runtime.evaluate", { expression });
    // The browser shows spaces that do not break.
    this.#lastText = String((result as { value?: unknown }).value ?? "").replaceAll("\u00a0", " ");
    return this.#lastText;
  }

  /** Wait until the element shows what matches. */
  async shows(selector: string, pattern: RegExp): Promise<RegExpMatchArray> {
    let seen = "";
    return until(
      async () => {
        seen = await this.text(selector);
        return seen.match(pattern) ?? undefined;
      },
      { what: () => `${pattern} in ${JSON.stringify(seen)}`, timeoutMs: 20_000 },
    );
  }

  /** Type text, key by key; a newline is Enter. */
  async type(text: string): Promise<void> {
    for (const character of text) {
      const key =
        character === "\n"
          ? { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" }
          : { text: character };
      await this.#call("Input.dispatchKeyEvent", { type: "keyDown", ...key });
      await this.#call("Input.dispatchKeyEvent", { type: "keyUp", ...key });
    }
  }

  /** Give the window another size, in pixels. */
  async resize(width: number, height: number): Promise<void> {
    await this.#call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
  }

  /** A PNG of what is seen. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#call("Page.captureScreenshot", { format: "png" });
    return Buffer.from(data as string, "base64");
  }

  #hear(answer: Answer): void {
    if (answer.id === undefined) return;
    this.#pending.get(answer.id)?.(answer);
    this.#pending.delete(answer.id);
  }

  async #call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#calls;
    const answered = new Promise<Answer>((resolve) => this.#pending.set(id, resolve));
    const message = { id, method, params, ...(this.#session && { sessionId: this.#session }) };
    (this.#browser.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    const { result, error } = await answered;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }
}
