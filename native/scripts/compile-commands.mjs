// Writes native/compile_commands.json, by which clangd (and an editor that asks it) knows how each source is compiled:
//   node native/scripts/compile-commands.mjs            again when a file is added or a flag changes
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { addonFlags, executableFlags, isOfAddon, nativeSources } from "./flags.mjs";
import { root } from "./root.mjs";

const [ofAddon, ofExecutable] = [addonFlags(), executableFlags()];
const commands = nativeSources()
  .filter((file) => file.endsWith(".cc"))
  .map((file) => ({
    directory: root,
    file,
    arguments: ["c++", "-Wall", "-Wextra", ...(isOfAddon(file) ? ofAddon : ofExecutable), "-c", file],
  }));
const output = join(root, "compile_commands.json");
writeFileSync(output, `${JSON.stringify(commands, null, 2)}\n`);
console.log(`${output}: ${commands.length} sources`);
