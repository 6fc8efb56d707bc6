// Receiving container consoles: the receiving side of --console-socket.

export type { ExitStatus } from "cmsg/process";
export { type AttachOptions, attach } from "./attach/attach.js";
export type { RawTerminal } from "./attach/raw-terminal.js";
export type { Console } from "./console/console.js";
export { PtyConsole } from "./console/pty-console.js";
export type { EndAfterOptions, PtyConsoleOptions } from "./console/pty-console-options.js";
export type { WindowSize } from "./console/window-size.js";
export { type DiagnosticEvent, EVENTS } from "./diagnostics.js";
export { CONSOLE_ERROR_CODES, type ConsoleErrorCode, ConsoleSocketError } from "./errors.js";
export { type LaunchOptions, launch } from "./launch/launch.js";
export { LaunchError } from "./launch/launch-errors.js";
export type { LaunchedContainer } from "./launch/launched.js";
export type { LaunchedConsole } from "./launch/launched-console.js";
export { asPty, Pty, type PtyDisposable, type PtyEvent, type PtyOptions } from "./node-pty/pty.js";
export { ConsoleListener, type ConsoleListenerOptions, listen, type Refusal } from "./receive/listener.js";
export { type ReceiveConsoleOptions, receiveConsole } from "./receive/receive-console.js";
export { Asciicast, type AsciicastOptions } from "./record/asciicast.js";
export { ConsoleLog, type ConsoleLogOptions } from "./record/console-log.js";
