// Finds the binaries of this package: what a build in place made, else the prebuilt ones that the published package
// carries. The error names every place that was tried.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** Thrown while a package of this family is imported, when its native part cannot work here. */
export class NativeLoadError extends Error {
  readonly code = "ERR_CMSG_NATIVE";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NativeLoadError";
  }
}

// Both run the addon's first calls and then abort (Bun) or hang (Deno) in libuv's polling, so they are told apart by
// name, before native code runs.
function refuseOtherRuntimes(): void {
  const { bun, deno } = process.versions as Record<string, string | undefined>;
  const other = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : undefined;
  if (other) {
    throw new NativeLoadError(`cmsg-native needs Node's event loop (libuv), and this is ${other}: run it with Node.`);
  }
  if (process.platform !== "linux") {
    throw new NativeLoadError(`cmsg-native is for Linux, and this is ${process.platform}.`);
  }
}

function candidates(name: string): string[] {
  const places = [`../build/Release/${name}`, `../prebuilds/linux-${process.arch}-glibc/${name}`];
  // CMSG_NATIVE_BUILD=Debug runs what a sanitizer build made.
  const build = process.env["CMSG_NATIVE_BUILD"];
  if (build) places.unshift(`../build/${build}/${name}`);
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
}

/**
 * The absolute path of one of this package's binaries: `cmsg.node`, `console-init`.
 *
 * @throws NativeLoadError when it is nowhere.
 */
export function findBinary(name: string): string {
  const tried = candidates(name);
  const found = tried.find((path) => existsSync(path));
  if (found) return found;
  throw new NativeLoadError(
    `cmsg-native has no ${name} for linux ${process.arch}; tried ${tried.join(", ")}. ` +
      "In a clone, build it: node native/scripts/build.mjs",
  );
}

export function loadAddon(): unknown {
  refuseOtherRuntimes();
  const path = findBinary("cmsg.node");
  try {
    return createRequire(import.meta.url)(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NativeLoadError(`cmsg-native found ${path} and could not load it: ${reason}`, { cause: error });
  }
}
