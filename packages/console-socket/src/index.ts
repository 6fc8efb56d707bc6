// Receiving container consoles: the receiving side of --console-socket.
export { type AttachOptions, attach } from "./attach.js";
export type { Console } from "./console.js";
export { CONSOLE_ERROR_CODES, type ConsoleErrorCode, ConsoleSocketError } from "./errors.js";
export { ConsoleListener, type ConsoleListenerOptions, listen, type Refusal } from "./listener.js";
export { PtyConsole, type PtyConsoleOptions } from "./pty-console.js";
export type { RawTerminal } from "./raw-terminal.js";
export { type ReceiveConsoleOptions, receiveConsole } from "./receive-console.js";
export type { WindowSize } from "./window-size.js";
