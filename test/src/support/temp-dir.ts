import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";

/**
 * A private directory (mode 0700) that is removed when the test ends. Its path is short, which tap's own `t.testdir()`
 * does not promise: runc takes socket paths of at most 107 bytes. Teardowns run last registered first, so what is
 * started after this call is ended before the directory goes.
 */
export function tempDir(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), "ct-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
