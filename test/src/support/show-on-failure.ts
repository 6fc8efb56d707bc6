// What was on a failed test's terminals: comments at its end, which scripts/test/reporter.mjs puts under the failure.
import t from "tap";

// The end of a flood says as much as the whole.
const MAX_LINES = 60;

interface Terminal {
  title: string;
  look: () => string;
  /** What was shown of it already, under a test within the one that opened it. */
  shown?: string;
}

const terminals: Terminal[] = [];
/** How many terminals there were when each test that runs now began: those of a test go with it. */
const marks: number[] = [];

/** When the test that runs now fails, or one within it, its report has the text that `look` returns then. */
export function showOnFailure(title: string, look: () => string): void {
  terminals.push({ title, look });
}

/** As lines: control characters but line breaks are written as JavaScript writes them. */
function readable(text: string): string[] {
  const lines = text
    .replace(/\r+\n/g, "\n")
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1)));
  const left = lines.length - MAX_LINES;
  return left > 0 ? [`… (${left} lines before)`, ...lines.slice(-MAX_LINES)] : lines;
}

t.beforeEach(() => {
  marks.push(terminals.length);
});

t.afterEach((test) => {
  if (!test.passing()) {
    for (const terminal of terminals) {
      const text = terminal.look();
      if (text === terminal.shown) continue;
      terminal.shown = text;
      const lines =
        text === "" ? [`${terminal.title} showed nothing`] : [`${terminal.title} showed:`, ...readable(text)];
      for (const line of lines) test.comment(`shown| ${line}`);
    }
  }
  terminals.length = marks.pop() ?? 0;
});
