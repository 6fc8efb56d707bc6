// Receiving container consoles: the receiving side of --console-socket.
export { Asciicast, type AsciicastOptions } from "./asciicast.js";
export { type AttachOptions, attach } from "./attach.js";
export type { Console } from "./console.js";
export { ConsoleLog, type ConsoleLogOptions } from "./console-log.js";
export { type DiagnosticEvent, EVENTS } from "./diagnostics.js";
export { CONSOLE_ERROR_CODES, type ConsoleErrorCode, ConsoleSocketError } from "./errors.js";
export type { ExitStatus } from "./exit-status.js";
export { type LaunchOptions, launch } from "./launch.js";
export { LaunchError } from "./launch-errors.js";
export type { LaunchedContainer } from "./launched.js";
export { ConsoleListener, type ConsoleListenerOptions, listen, type Refusal } from "./listener.js";
export { asPty, Pty, type PtyDisposable, type PtyEvent, type PtyOptions } from "./pty.js";
export { PtyConsole } from "./pty-console.js";
export type { EndAfterOptions, PtyConsoleOptions } from "./pty-console-options.js";
export type { RawTerminal } from "./raw-terminal.js";
export { type ReceiveConsoleOptions, receiveConsole } from "./receive-console.js";
export type { WindowSize } from "./window-size.js";
