// Types commands at a shell's prompt, one at a time, and copies what the terminal shows.
import { stripVTControlCharacters } from "node:util";

const PROMPT = "demo$ ";

export async function typeCommands(terminal, commands, stdout) {
  const lines = [...commands, "exit"];
  let shown = "";
  for await (const chunk of terminal) {
    // A line editor asks terminals questions in escape sequences; there is no one to answer, and they show nothing.
    const text = stripVTControlCharacters(chunk.toString());
    stdout.write(text.replaceAll("\r\n", "\n"));
    shown += text;
    if (!shown.endsWith(PROMPT)) continue;
    shown = "";
    terminal.write(`${lines.shift()}\n`);
  }
}
