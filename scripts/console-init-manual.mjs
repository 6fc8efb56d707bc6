// The manual page of console-init, packages/init/man/console-init.1, out of docs/console-init.md: one text, two forms.
//   node scripts/console-init-manual.mjs            writes it
//   node scripts/console-init-manual.mjs --check    fails when it is not what the document says
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const page = at("packages/init/man/console-init.1");
const { version } = JSON.parse(readFileSync(at("packages/init/package.json"), "utf8"));

// A line that begins with a full stop or an apostrophe would be a request to roff.
const escaped = (text) =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/, "\\&");

/** Code and emphasis in bold and italics, links as their text. */
function inline(text) {
  return escaped(text.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"))
    .replace(/`([^`]*)`/g, "\\fB$1\\fR")
    .replace(/(?<![\w*])\*([^*]+)\*(?!\w)/g, "\\fI$1\\fR");
}

/** A row of a table as a tagged paragraph; its head and rule say nothing here. */
function row(line) {
  const [tag = "", ...rest] = line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
  if (/^-*$/.test(tag) || /^(option)?$/.test(tag)) return [];
  return [".TP", inline(tag), inline(rest.filter(Boolean).join(", "))];
}

function roff(markdown) {
  const [, ...lines] = markdown.split("\n");
  const body = [];
  let example = false;
  for (const line of lines) {
    if (line.startsWith("```")) {
      example = !example;
      body.push(example ? ".EX" : ".EE");
    } else if (example) body.push(escaped(line));
    else if (line.startsWith("## ")) body.push(`.SH ${line.slice(3).toUpperCase()}`);
    else if (line.startsWith("|")) body.push(...row(line));
    else if (/^\d+\. |^- /.test(line))
      body.push(`.IP ${line.match(/^\d+\./)?.[0] ?? "\\(bu"} 4`, inline(line.replace(/^\S+ /, "")));
    else if (line !== "") body.push(".PP", inline(line));
  }
  const head = [`.TH CONSOLE-INIT 1 "" "console-init ${version}"`, ".SH NAME"];
  const name = "console\\-init \\- open a container's terminal, send it out, become the program";
  return `${[...head, name, ".SH DESCRIPTION", ...body].join("\n")}\n`;
}

const text = roff(readFileSync(at("docs/console-init.md"), "utf8"));
if (!process.argv.includes("--check")) {
  mkdirSync(dirname(page), { recursive: true });
  writeFileSync(page, text);
} else if (readFileSync(page, "utf8") !== text) {
  process.stderr.write(
    "packages/init/man/console-init.1 is not what docs/console-init.md says: run scripts/console-init-manual.mjs\n",
  );
  process.exitCode = 1;
}
