// Every example of the documents, run as it stands there.
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import t, { type Test } from "tap";
import { untilListening } from "../support/listening.js";
import { fixtureBuild, repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run, start } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { Tmux } from "../support/tmux.js";
import { type Document, documents, type Example, pattern } from "./documents.js";

const LOCK_TIMEOUT_MS = 40_000;

/** Where the examples of one document run: those that need root with a /run of their own, to leave in it what they like. */
class Place {
  readonly #t: Test;
  readonly #windows = new Map<string, Tmux>();
  #namespace: number | undefined;

  constructor(t: Test) {
    this.#t = t;
  }

  /** A command line that runs `command` here, in the repository's root. */
  async command({ needs }: Pick<Example, "needs">, ...command: string[]): Promise<[string, ...string[]]> {
    if (!needs.includes("root")) return ["env", "-C", repository, ...command];
    const inside = `cd "$0" && exec "$@"`;
    const namespace = `--mount=/proc/${await this.#enter()}/ns/mnt`;
    return ["nsenter", namespace, "--", "sh", "-c", inside, repository, ...command];
  }

  async window(name: string, example: Example): Promise<Tmux> {
    let window = this.#windows.get(name);
    if (!window) {
      // A shell as a person has it: without the test runner's variables, and with a prompt that is known.
      const shell = await this.command(example, "env", "-u", "NODE_OPTIONS", "-u", "ENV", "PS1=$ ", "sh");
      window = await Tmux.start(this.#t, shell, { columns: 120, rows: 40 });
      await window.waitFor(PROMPT);
      this.#windows.set(name, window);
    }
    return window;
  }

  async #enter(): Promise<number> {
    if (this.#namespace === undefined) {
      // The containers have fixed names, and by those cgroups that all of the machine shares: one test run at a time.
      const mount = "mount -t tmpfs tmpfs /run && echo mounted && exec sleep infinity";
      const alone = 'exec flock --no-fork "$(command -v runc)" unshare --mount sh -c "$0"';
      const holder = start(this.#t, "sh", ["-c", alone, mount]);
      await holder.output(/mounted/, LOCK_TIMEOUT_MS);
      this.#namespace = holder.pid;
      this.#t.teardown(() => this.#removeContainers());
    }
    return this.#namespace;
  }

  // What a failed example left running does not end with its mount namespace.
  async #removeContainers(): Promise<void> {
    const script = 'for id in $(command -v runc >/dev/null && runc list --quiet); do runc delete --force "$id"; done';
    const [command, ...args] = await this.command({ needs: ["root"] }, "sh", "-c", script);
    await run(this.#t, command, args);
  }
}

/** What a program prints, as text: without the carriage returns of a terminal. */
function plain(output: string): string {
  return `${output.replaceAll("\r", "").trimEnd()}\n`;
}

async function runBlock(t: Test, place: Place, document: Document, example: Example) {
  const { language, code, line, shows } = example;
  // Beside the tests, where the packages' names lead to the packages.
  const directory = join(fixtureBuild, "docs");
  mkdirSync(directory, { recursive: true });
  const name = document.path === basename(document.path) ? "root" : basename(dirname(document.path));
  const file = join(directory, `${name}-${basename(document.path, ".md")}-${line}.${language === "js" ? "mjs" : "sh"}`);
  writeFileSync(file, `${code}\n`);
  const interpreter = language === "js" ? plainNode : ["sh", "-e"];
  const [command, ...args] = await place.command(example, ...interpreter, file);
  const { status, signal, stdout, stderr } = await run(t, command, args);
  t.match({ status, signal, stderr }, { status: 0, signal: null, stderr: "" });
  if (shows !== undefined) t.match(plain(stdout), pattern(shows));
}

// A shell that waits for a command, this machine's or the container's, and nothing below it on the screen.
const PROMPT = /^(?:\$|\/ #)\s*(?![\s\S])/m;

async function typeIntoWindow(t: Test, place: Place, name: string, example: Example) {
  const { code, shows } = example;
  const window = await place.window(name, example);
  for (const line of code.split("\n")) {
    await window.waitFor(PROMPT);
    await window.type(line);
    await window.waitFor(new RegExp(`${pattern(line).source.slice(1, -3)}\\s*(?![\\s\\S])`));
    await window.press("Enter");
  }
  // The next block belongs to somebody who waits until this one is ready.
  const socket = code.match(/console-socket (\/\S+)$/)?.[1];
  if (socket) await untilListening(socket);
  else await window.waitFor(PROMPT);
  if (shows === undefined) t.pass("typed");
  else t.match(await window.screen(), new RegExp(pattern(shows).source.slice(0, -1), "m"));
}

async function printed(t: Test, place: Place, line: string, example: Example) {
  const [command, ...args] = await place.command(example, "env", "-u", "NODE_OPTIONS", "sh", "-c", line);
  const { status, stdout, stderr } = await run(t, command, args);
  t.match({ status, stderr }, { status: 0, stderr: "" });
  t.match(plain(stdout), pattern(example.code));
}

t.test("the documents have examples", async (t) => {
  const of = (path: string) => documents().find((document) => document.path === path)?.examples.length ?? 0;
  for (const path of ["README.md", ...["cmsg", "console-socket", "init"].map((name) => `packages/${name}/README.md`)])
    t.ok(of(path) > 0, path);
});

for (const document of documents()) {
  if (document.examples.length === 0) continue;
  t.test(document.path, async (t) => {
    const place = new Place(t);
    for (const example of document.examples) {
      const { how, line, code } = example;
      const title = "window" in how ? `window ${how.window}` : "prints" in how ? how.prints : code.split("\n")[0];
      await t.test(`line ${line}: ${title}`, { skip: needs(...example.needs) }, async (t) => {
        if ("window" in how) await typeIntoWindow(t, place, how.window, example);
        else if ("prints" in how) await printed(t, place, how.prints, example);
        else await runBlock(t, place, document, example);
      });
    }
  });
}
