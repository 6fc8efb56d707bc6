// What the command is and takes: the command line is read by this, and --help and the manual page are made from it.

export type CommandName = "receive" | "run" | "attach";

export interface OptionDescription {
  name: string;
  short?: string;
  /** What its value is called; without one it is a switch. */
  value?: string;
  /** Which commands have it. */
  commands: readonly CommandName[];
  /** One sentence without a capital or a full stop; code in backquotes. */
  help: string;
}

const ALL: readonly CommandName[] = ["receive", "run", "attach"];

export const OPTIONS: readonly OptionDescription[] = [
  {
    name: "mode",
    short: "m",
    value: "MODE",
    commands: ["receive"],
    help: "`single` (the default): take the first console, stop listening, end when it ends; `null`: take any number, read and throw away what they show, until killed",
  },
  {
    name: "pid-file",
    value: "FILE",
    commands: ["receive"],
    help: "write this process's id to FILE before listening",
  },
  {
    name: "detach-keys",
    value: "KEYS",
    commands: ["run", "attach"],
    help: "the keys that leave what runs there running and end this command, `ctrl-p,ctrl-q` by default; none with an empty value. To type the first of them, wait a second before the next key",
  },
  {
    name: "port",
    value: "PORT",
    commands: ["attach"],
    help: "the debug console's port, 1026 by default",
  },
  {
    name: "container",
    value: "ID",
    commands: ["attach"],
    help: "the terminal of this container's process, through the agent, in place of the debug console. A shim that reads it too gets a part of its output",
  },
  {
    name: "exec",
    value: "ID",
    commands: ["attach"],
    help: "that of a process started later in the container",
  },
  {
    name: "protocol",
    value: "PROTOCOL",
    commands: ["attach"],
    help: "what the agent of the container speaks: `ttrpc` (the default; Kata 2 and later), or `grpc` (Kata 1)",
  },
  { name: "yamux", commands: ["attach"], help: "grpc runs in yamux, as behind a proxy of Kata 1" },
  { name: "no-stdin", commands: ALL, help: "type nothing into the console" },
  {
    name: "size",
    value: "COLUMNSxROWS",
    commands: ALL,
    help: "the console's size, instead of following this terminal's",
  },
  {
    name: "timeout",
    value: "SECONDS",
    commands: ALL,
    help: "give up when no console has come by then; attach has 15 by default",
  },
  {
    name: "onlcr",
    commands: ["receive", "run"],
    help: "keep CR LF at the ends of lines also where the output is no terminal",
  },
  { name: "log", value: "FILE", commands: ALL, help: "append what the console shows to FILE too" },
  {
    name: "log-format",
    value: "FORMAT",
    commands: ALL,
    help: "`raw` (the default): the bytes; `cri`: a line of Kubernetes' log format for each line",
  },
  {
    name: "record",
    value: "FILE",
    commands: ALL,
    help: "record the session to FILE, which `asciinema play` shows (asciicast v3)",
  },
  {
    name: "json",
    commands: ALL,
    help: "say what happens on standard error, as a line of JSON for each event",
  },
  { name: "help", short: "h", commands: ALL, help: "show a summary" },
  { name: "version", short: "V", commands: ALL, help: "show the version" },
];

export const SUMMARY = "receive container consoles";

export const USAGE: readonly string[] = [
  "console-socket [receive] [OPTION]... SOCKET",
  "console-socket run [OPTION]... -- RUNTIME ARGUMENT...",
  "console-socket attach [OPTION]... ADDRESS",
];

/** Paragraphs. */
export const ABOUT: readonly string[] = [
  "Receive the console that a container runtime sends (--console-socket of runc, crun, youki and gVisor) and connect it with this terminal.",
  "receive listens on SOCKET, a path, or @NAME for an abstract socket. A SOCKET that is named like a command is written ./run.",
  "run runs the runtime's command, which starts a container and returns (run --detach, create, exec --detach), and ends with the container's exit status. An argument {} becomes the path of the socket, {pid} that of a pid file.",
  "attach is the debug console of a virtual machine: a shell that Kata Containers' agent starts there. ADDRESS is the agent's (vsock://CID:PORT, hvsock://PATH:PORT, a path; the console's port takes the place of its own), or sandbox:ID for the one of a running sandbox, which its shim tells. The shell does not learn this terminal's size.",
];

export const EXAMPLES: readonly { title: string; commands: readonly string[] }[] = [
  {
    title: "In one window the console, in another the runtime:",
    commands: ["console-socket /run/box.sock", "runc run -d --console-socket /run/box.sock box"],
  },
  {
    title: "Both in one:",
    commands: ["console-socket run -- runc run -d --console-socket {} --pid-file {pid} box"],
  },
  {
    title: "A shell in the virtual machine of a sandbox:",
    commands: ["console-socket attach sandbox:0123456789abcdef"],
  },
];

export const EXIT_STATUS: readonly { status: string; meaning: string }[] = [
  {
    status: "0",
    meaning:
      "receive: the console ended. attach: the debug console ended, or the container with 0, or it was left with the detach keys. run: the container ended with 0, or was left with the detach keys",
  },
  { status: "1-255", meaning: "run, attach --container: the container's own; 128+n when signal n ended it" },
  { status: "125", meaning: "this command failed, or the runtime's did" },
  { status: "126", meaning: "run: the runtime's command cannot be run" },
  { status: "127", meaning: "run: the runtime's command was not found" },
];

export const ON_SIGNAL =
  "Killed by SIGINT, SIGTERM, SIGHUP or SIGQUIT, it first removes its socket and restores the terminal. The container is not killed; its terminal is hung up.";
