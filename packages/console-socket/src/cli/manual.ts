// The manual page, in man(7)'s language, from the page.
import { ABOUT, EXAMPLES, EXIT_STATUS, type ListedOption, ON_SIGNAL, OPTIONS, SUMMARY, USAGE } from "./page.js";

export function manualPage(): string {
  const lines = [
    '.TH CONSOLE-SOCKET 1 "" "console-socket"',
    ...section("NAME", [`console-socket \\- ${plain(SUMMARY)}`]),
    ...section(
      "SYNOPSIS",
      USAGE.flatMap((usage, index) => [...(index > 0 ? [".br"] : []), plain(usage)]),
    ),
    ...section("DESCRIPTION", paragraphs(ABOUT)),
    ...section("OPTIONS", OPTIONS.flatMap(option)),
    ...section("EXIT STATUS", [
      ...EXIT_STATUS.flatMap(({ status, meaning }) => [".TP", plain(status), sentence(meaning)]),
      ".PP",
      plain(ON_SIGNAL),
    ]),
    ...section("ENVIRONMENT", [
      ".TP",
      "NO_COLOR",
      "No emphasis in messages.",
      ".TP",
      "NODE_DEBUG",
      "With console\\-socket in it, what happens to sockets and consoles is said on standard error.",
    ]),
    ...section(
      "EXAMPLES",
      EXAMPLES.flatMap(({ title, commands }) => [".PP", plain(title), ".PP", ".nf", ...commands.map(plain), ".fi"]),
    ),
    ...section("SEE ALSO", [".BR runc (8),", ".BR crun (1)"]),
  ];
  return `${lines.join("\n")}\n`;
}

function section(title: string, body: string[]): string[] {
  return [`.SH ${title.includes(" ") ? `"${title}"` : title}`, ...body];
}

function paragraphs(texts: readonly string[]): string[] {
  return texts.flatMap((text, index) => [...(index > 0 ? [".PP"] : []), plain(text)]);
}

function option({ name, short, value, only, help }: ListedOption): string[] {
  const names = [...(short ? [`\\fB\\-${short}\\fR`] : []), `\\fB\\-\\-${plain(name)}\\fR`].join(", ");
  const where = only.length > 0 ? ` (${only.join(", ")})` : "";
  return [".TP", `${names}${value ? ` \\fI${plain(value)}\\fR` : ""}${where}`, sentence(help)];
}

function sentence(text: string): string {
  const first = plain(text).replaceAll(/`([^`]*)`/g, "\\fB$1\\fR");
  return `${first.replace(/^[a-z](?!\w*:)/, (letter) => letter.toUpperCase())}.`;
}

// A hyphen of its own, so that options can be copied; nothing at a line's beginning is a request.
function plain(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/, "\\&$&");
}
