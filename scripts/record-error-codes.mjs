// Loaded into every node of a test run (NODE_OPTIONS=--import): notes in a file each error code that the packages
// produce, for error-codes.mjs to compare. The packages know nothing of it: their classes assign `name` while they are
// constructed, and an accessor on the prototype sees that. A note that cannot be written (another user's process in a root
// of its own) is a code that counts as not seen, so it can only fail the run.
import { appendFileSync, closeSync } from "node:fs";
import { errorClasses } from "./error-codes.mjs";

const file = process.env.CONSOLE_TEST_ERROR_CODES ?? "";
const seen = new Set();
const unwritten = new Set();
const fresh = [];

function write() {
  for (const { code } of fresh.splice(0)) {
    if (code === undefined || seen.has(code)) continue;
    try {
      appendFileSync(file, `${code}\n`);
      seen.add(code);
    } catch {
      unwritten.add(code);
    }
  }
}

function writeLast() {
  write();
  if (unwritten.size === 0) return;
  try {
    closeSync(0); // a test may have used up all descriptors, and what ends here reads no more
    appendFileSync(file, [...unwritten, ""].join("\n"));
  } catch {
    // Not seen, then.
  }
}

function watch(type) {
  Object.defineProperty(type.prototype, "name", {
    configurable: true,
    set(value) {
      Object.defineProperty(this, "name", { value, writable: true, enumerable: true, configurable: true });
      // The code is assigned after the name.
      fresh.push(this);
      queueMicrotask(write);
    },
    get: () => "Error",
  });
}

if (file) {
  for (const type of errorClasses) watch(type);
  process.on("exit", writeLast);
}
