// The sending side of a container's console: the executable that goes inside, how to start it, and its steps for an init
// that is written in Node.
export { type BinaryTarget, NativeLoadError } from "cmsg-native";
export { consoleInitPath } from "./console-init-path.js";
export { INIT_ERROR_CODES, InitError, type InitErrorCode } from "./errors.js";
export { type OpenPtyOptions, openPty, type Pty } from "./pty.js";
export type { IdRange, Join, Namespaces, Root, UserMap } from "./sandbox.js";
export { type SendConsoleOptions, sendConsole } from "./send-console.js";
export { setupConsole } from "./setup-console.js";
export { type ConsoleExit, type ConsoleProcess, type SpawnConsoleOptions, spawnConsole } from "./spawn-console.js";
export type { WindowSize } from "./window-size.js";
