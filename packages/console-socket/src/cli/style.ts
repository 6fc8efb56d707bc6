// Emphasis for people: on a terminal that knows it, unless NO_COLOR (no-color.org) or TERM=dumb asks for none.

interface Output {
  isTTY?: boolean;
}

function wantsStyle({ isTTY }: Output): boolean {
  const { NO_COLOR, TERM } = process.env;
  return isTTY === true && !NO_COLOR && TERM !== "dumb";
}

export function bold(text: string, output: Output): string {
  return wantsStyle(output) ? `\x1b[1m${text}\x1b[22m` : text;
}

export function red(text: string, output: Output): string {
  return wantsStyle(output) ? `\x1b[31m${text}\x1b[39m` : text;
}
