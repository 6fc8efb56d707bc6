import { type BinaryTarget, findBinary } from "cmsg-native";

/**
 * The absolute path of `console-init`, for this machine or for `target`. Bind-mount it read-only into a container, or
 * copy it into a rootfs; the static executable needs nothing else there. Its manual is docs/console-init.md.
 *
 * @throws NativeLoadError ERR_CMSG_NATIVE when this installation has none; the message names every place that was tried.
 */
export function consoleInitPath(target: BinaryTarget = {}): string {
  return findBinary("console-init", target);
}
