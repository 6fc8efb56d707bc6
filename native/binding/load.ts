// Finds the binaries of this package: what a build in place made, else the prebuilt ones that the published package
// carries. The error names every place that was tried.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { recognizeCopies } from "./brand.js";

/** Thrown while a package of this family is imported, when its native part cannot work here. */
export class NativeLoadError extends Error {
  readonly code = "ERR_CMSG_NATIVE";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NativeLoadError";
  }
}
recognizeCopies(NativeLoadError, "cmsg-native.NativeLoadError");

// Both run the addon's first calls and then abort (Bun) or hang (Deno) in libuv's polling, so they are told apart by
// name, before native code runs.
function refuseOtherRuntimes(): void {
  const { bun, deno } = process.versions as Record<string, string | undefined>;
  const other = bun ? `Bun ${bun}` : deno ? `Deno ${deno}` : undefined;
  if (other) {
    throw new NativeLoadError(`cmsg-native needs Node's event loop (libuv), and this is ${other}: run it with Node.`);
  }
  if (process.platform !== "linux") {
    throw new NativeLoadError(
      `cmsg-native is for Linux, and this is ${process.platform}: run it on Linux, in a virtual machine or a container, say.`,
    );
  }
}

// From the published sources, where npm put them; both are what this version was tried with.
const FROM_SOURCE =
  "with python3, make and g++ installed, build it by `npm install --no-save node-gyp@12.4.0 node-addon-api@8.9.2 && " +
  "node node_modules/cmsg-native/source/scripts/build.mjs`";

// Not by whether there is a dynamic loader of musl: Debian has one beside its own where musl-tools is installed.
function isMusl(): boolean {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  const { excludeNetwork = false } = report;
  // Else it asks for the names of whoever this process is connected to.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  report.excludeNetwork = excludeNetwork;
  return header?.glibcVersionRuntime === undefined;
}

/** What a binary is for. */
export interface BinaryTarget {
  /** As `process.arch` has it; this machine's by default. */
  arch?: string;
  /** The C library of the machine it is to run on. A static executable runs with either, and with none. */
  libc?: "glibc" | "musl";
}

function candidates(name: string, { arch = process.arch, libc }: BinaryTarget): string[] {
  const places = (libc === "musl" ? ["musl", "glibc"] : ["glibc", "musl"]).map(
    (built) => `../prebuilds/linux-${arch}-${built}/${name}`,
  );
  if (arch === process.arch) {
    // The second is what a build from the published sources makes.
    places.unshift(`../build/Release/${name}`, `../source/build/Release/${name}`);
    // CMSG_NATIVE_BUILD=Debug runs what a sanitizer build made.
    const build = process.env["CMSG_NATIVE_BUILD"];
    if (build) places.unshift(`../build/${build}/${name}`);
  }
  return places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
}

/** Whether an executable is static, or asks for the dynamic loader of this C library: its name is near the beginning. */
function runsWith(path: string, libc: "glibc" | "musl"): boolean {
  const head = readFileSync(path).subarray(0, 4096);
  return !head.includes("/ld-") || head.includes(libc === "musl" ? "/ld-musl" : "/ld-linux");
}

/**
 * The absolute path of one of this package's binaries: `cmsg.node`, `console-init`, `console-keeper`.
 *
 * @throws NativeLoadError when it is nowhere.
 */
export function findBinary(name: string, target: BinaryTarget = {}): string {
  const tried = candidates(name, target);
  const { libc, arch = process.arch } = target;
  const found = tried.find((path) => existsSync(path) && (!libc || runsWith(path, libc)));
  if (found) return found;
  throw new NativeLoadError(
    `cmsg-native has no ${name} for linux ${arch}${libc ? ` with ${libc}` : ""}; tried ${tried.join(", ")}. ` +
      `In a clone, build it: node native/scripts/build.mjs. As a package, ${FROM_SOURCE}.`,
  );
}

export function loadAddon(): unknown {
  refuseOtherRuntimes();
  const path = findBinary("cmsg.node");
  try {
    return createRequire(import.meta.url)(path);
  } catch (error) {
    // What was built in place is for this machine, so the reason is another one.
    if (path.includes("-glibc/") && isMusl()) {
      throw new NativeLoadError(`cmsg-native's addon in ${path} is for glibc, and this is musl: ${FROM_SOURCE}.`, {
        cause: error,
      });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new NativeLoadError(`cmsg-native found ${path} and could not load it: ${reason}`, { cause: error });
  }
}
