// --help: the page as text of at most 80 columns.
import { ABOUT, EXAMPLES, EXIT_STATUS, type ListedOption, ON_SIGNAL, OPTIONS, USAGE } from "./page.js";
import { bold } from "./style.js";

const WIDTH = 80;
const COLUMN = 26;

export function helpText(): string {
  const title = (text: string): string => bold(text, process.stdout);
  const [first = "", ...others] = USAGE;
  const sections = [
    [`${title("Usage:")} ${first}`, ...others.map((line) => `       ${line}`)].join("\n"),
    ...ABOUT.map((paragraph) => wrap(paragraph, 0)),
    [title("Options:"), ...OPTIONS.map(option)].join("\n"),
    ...EXAMPLES.map((example) => [title(example.title), ...example.commands.map((line) => `  ${line}`)].join("\n")),
    [title("Exit status:"), ...EXIT_STATUS.map(({ status, meaning }) => row(`  ${status}`, meaning, 9))].join("\n"),
    wrap(ON_SIGNAL, 0),
  ];
  return `${sections.join("\n\n")}\n`;
}

function option({ name, short, value, only, help }: ListedOption): string {
  const where = only.length > 0 ? `${only.join(", ")}: ` : "";
  const head = `  ${short ? `-${short}, ` : ""}--${name}${value ? ` ${value}` : ""}`;
  return row(head, `${where}${help.replaceAll("`", "")}`, COLUMN);
}

/** `text` beside `head`, or below where that is too long. */
function row(head: string, text: string, column: number): string {
  const body = wrap(text, column);
  return head.length + 2 > column ? `${head}\n${body}` : head + body.slice(head.length);
}

function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((wrapped) => " ".repeat(indent) + wrapped).join("\n");
}
