// The sending side of a container's console: the executable that goes inside.
import { findBinary } from "cmsg-native";

export { NativeLoadError } from "cmsg-native";

/**
 * The absolute path of `console-init`, a static executable for this machine's architecture. Bind-mount it into a
 * container, or copy it into a rootfs; it needs nothing else there. Its manual is docs/console-init.md.
 *
 * @throws NativeLoadError ERR_CMSG_NATIVE when this installation has none; the message names every place that was tried.
 */
export function consoleInitPath(): string {
  return findBinary("console-init");
}
