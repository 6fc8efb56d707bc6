// Puts the console-socket command into one file: node scripts/bundle-command.mjs, after tsc -b.
//
// Runtimes do not wait for who is to receive, and of the command's own start most was Node's loader: it looked for 40
// modules one by one. The one file is CommonJS, since the loader of ES modules takes as long to start as all of this.
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = new URL("../packages/console-socket/", import.meta.url);

// The native package finds its binaries by where it lies, and the command its version: in the one file these are two
// places.
const OWN_URL = "ownUrl";
const NATIVE_URL = "nativeUrl";
const places = [
  '"use strict";',
  'const { pathToFileURL } = require("node:url");',
  `const ${OWN_URL} = pathToFileURL(__filename).href;`,
  `const ${NATIVE_URL} = pathToFileURL(require.resolve("cmsg-native")).href;`,
].join(" ");

const nativePlace = {
  name: "native-place",
  setup({ onLoad }) {
    onLoad({ filter: /\/native\/dist\/load\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replaceAll("import.meta.url", NATIVE_URL),
    }));
  },
};

export async function bundleCommand() {
  rmSync(new URL("dist/bin", folder), { recursive: true, force: true });
  await build({
    absWorkingDir: fileURLToPath(folder),
    entryPoints: ["dist/cli/main.js"],
    outfile: "dist/bin/console-socket.cjs",
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20.19",
    sourcemap: true,
    banner: { js: places },
    define: { "import.meta.url": OWN_URL },
    plugins: [nativePlace],
    logLevel: "warning",
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleCommand();
