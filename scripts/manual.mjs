// Write the manual page of console-socket from the description of its options: node scripts/manual.mjs, after a build.
// A test compares the two.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = new URL("../packages/console-socket/", import.meta.url);
const { manualPage } = await import(new URL("dist/cli/manual.js", folder).href);
writeFileSync(fileURLToPath(new URL("man/console-socket.1", folder)), manualPage());
