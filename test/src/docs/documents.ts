// The documents as the tests see them: headings, links, tables, and the code that is marked to be run. The marks are
// described in CONTRIBUTING.md.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../support/paths.js";
import type { Requirement } from "../support/requirements.js";

export interface Example {
  /** The line of the mark. */
  line: number;
  /** `prints` runs this command; the others run the block. */
  how: { run: true } | { window: string } | { prints: string };
  needs: Requirement[];
  language: string;
  code: string;
  /** What it prints, or what the window shows. */
  shows: string | undefined;
}

export class Document {
  /** From the repository's root. */
  readonly path: string;
  readonly lines: string[];

  constructor(path: string) {
    this.path = path;
    this.lines = readFileSync(join(repository, path), "utf8").split("\n");
  }

  /** The text outside of code blocks, line by line; a line inside of one is empty. */
  get prose(): string[] {
    let inside = false;
    return this.lines.map((line) => {
      const fence = line.startsWith("```");
      if (fence) inside = !inside;
      return inside || fence ? "" : line;
    });
  }

  /** The lines from a heading to the next one of its level or above. */
  section(heading: string): string[] {
    const start = this.lines.indexOf(heading);
    if (start === -1) throw new Error(`${this.path} has no heading ${JSON.stringify(heading)}`);
    const level = heading.indexOf(" ");
    const length = this.prose.slice(start + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(" ") <= level);
    return this.lines.slice(start + 1, length === -1 ? undefined : start + 1 + length);
  }

  /** The code spans in the first column of a section's tables, row by row. */
  firstColumn(heading: string): string[][] {
    return this.section(heading)
      .filter((line) => line.startsWith("| `"))
      .map((line) => [...(line.split(/(?<!\\)\|/)[1] ?? "").matchAll(/`([^`]+)`/g)].map((span) => span[1] ?? ""));
  }

  /** The anchors that its headings make, as GitHub names them. */
  get anchors(): string[] {
    return this.prose
      .filter((line) => /^#+ /.test(line))
      .map((line) => line.replace(/^#+ /, "").toLowerCase())
      .map((title) => title.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"));
  }

  get links(): string[] {
    return this.prose.flatMap((line) => [...line.matchAll(/\]\(([^)]+)\)/g)].map((link) => link[1] ?? ""));
  }

  get examples(): Example[] {
    return this.lines.flatMap((line, index) => {
      const mark = line.match(/^<!-- (run|window (\S+)|prints: (.+?))(?: \(needs: ([^)]+)\))? -->$/);
      if (!mark) return [];
      const [, , window, prints, needs = ""] = mark;
      const block = this.#blockAt(index + 1);
      if (!block) throw new Error(`${this.path}:${index + 1}: no code block behind this mark`);
      const how = prints ? { prints } : window ? { window } : ({ run: true } as const);
      return {
        line: index + 1,
        how,
        needs: needs.split(" ").filter(Boolean) as Requirement[],
        language: block.language,
        code: block.code,
        shows: prints ? block.code : this.#outputBehind(block.end),
      };
    });
  }

  /** The `text` block that comes next, with nothing but a sentence in between. */
  #outputBehind(index: number): string | undefined {
    const next = this.lines.findIndex((line, at) => at >= index && /^(```|<!--|#)/.test(line));
    const block = next === -1 ? undefined : this.#blockAt(next);
    return block?.language === "text" ? block.code : undefined;
  }

  #blockAt(index: number): { language: string; code: string; end: number } | undefined {
    const language = this.lines[index]?.match(/^```(\w+)$/)?.[1];
    if (!language) return undefined;
    const end = this.lines.indexOf("```", index + 1);
    return { language, code: this.lines.slice(index + 1, end).join("\n"), end: end + 1 };
  }
}

/** Every document of the repository. */
export function documents(): Document[] {
  const inFolder = (folder: string) =>
    readdirSync(join(repository, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name));
  return [
    ".",
    "docs",
    "docs/decisions",
    "bench",
    "native",
    ...readdirSync(join(repository, "packages")).map((name) => join("packages", name)),
  ]
    .flatMap(inFolder)
    .map((path) => new Document(path));
}

/** Matches `shows`: `…` stands for anything in a line, and alone on one for any lines. */
export function pattern(shows: string): RegExp {
  const quoted = shows.split("\n").map((line) => line.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const lines = quoted.map((line) => (line === "…" ? "(?:.*\n)*?" : `${line.replaceAll("…", ".*")}\n`));
  return new RegExp(`^${lines.join("")}$`);
}
