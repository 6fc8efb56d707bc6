// Where things are, seen from a compiled test: test/dist/… beside test/fixtures and test/build.
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const testRoot = new URL("../../", import.meta.url);

/** The repository. */
export const repository: string = fileURLToPath(new URL("../", testRoot));

/** The `console-socket` command, as its package names it. */
export const consoleSocketCommand: string = join(repository, "packages/console-socket/dist/bin/console-socket.cjs");

/** A program that tests start, under test/fixtures; it is not compiled. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`fixtures/${path}`, testRoot));
}

/** Where fixtures that need a compiler are built: git-ignored, and kept between runs. */
export const fixtureBuild: string = fileURLToPath(new URL("build/", testRoot));
