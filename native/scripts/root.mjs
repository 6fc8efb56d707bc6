import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The native package's folder, which the paths in binding.gyp are relative to. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
