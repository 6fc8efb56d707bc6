// Starts console-keeper as the library will: two socketpairs, a start record, and sockets for further clients.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UnixServer, UnixSocket, UnixStream } from "cmsg";
import { findBinary } from "cmsg-native";
import { StartFlags } from "cmsg-native/keeper-protocol";
import type { Test } from "tap";
import { KeeperClient, record, To } from "./keeper-client.js";
import { childrenOf, isAlive } from "./processes.js";
import { tempDir } from "./temp-dir.js";
import { until } from "./until.js";

export interface StartOptions {
  /** `{}` becomes the console socket's path. */
  argv: string[];
  env?: Record<string, string>;
  cwd?: string;
  ringBytes?: number;
  columns?: number;
  rows?: number;
  onlcr?: boolean;
  kept?: boolean;
  whenFullWait?: boolean;
  drainMs?: number;
  lingerMs?: number;
  pidFile?: string;
}

interface RawStart extends StartOptions {
  consolePath?: string;
  flags?: number;
}

/** The body of a start record. */
export function startBody(options: RawStart): Buffer {
  const { argv, env = { PATH: process.env["PATH"] ?? "" }, columns = 0, rows = 0 } = options;
  const header = Buffer.alloc(32);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  header.writeUInt32LE(32, 0);
  header.writeUInt32LE(startFlags(options), 4);
  header.writeUInt32LE(options.ringBytes ?? 0, 8);
  header.writeUInt16LE(columns, 12);
  header.writeUInt16LE(rows, 14);
  header.writeUInt32LE(options.drainMs ?? 1000, 16);
  header.writeUInt32LE(options.lingerMs ?? 10_000, 20);
  header.writeUInt32LE(argv.length, 24);
  header.writeUInt32LE(variables.length, 28);
  const strings = [options.cwd ?? "", options.consolePath ?? "", options.pidFile ?? "", ...argv, ...variables];
  return Buffer.concat([header, ...strings.map((text) => Buffer.from(`${text}\0`))]);
}

function startFlags({ flags = 0, kept, whenFullWait, onlcr }: RawStart): number {
  return (
    flags |
    (kept ? StartFlags.kept : 0) |
    (whenFullWait ? StartFlags.whenFullWait : 0) |
    (onlcr === undefined ? 0 : StartFlags.setOnlcr | (onlcr ? StartFlags.onlcrOn : 0))
  );
}

/** A start record in parts of at most 64 KiB. */
export function startRecords(body: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0; from < body.length; from += 65_536) {
    const part = body.subarray(from, from + 65_536);
    parts.push(record(To.start, body.length - from - part.length, part));
  }
  return parts;
}

export interface Sockets {
  pid: number;
  reader: KeeperClient;
  reaper: KeeperClient;
  /** Settles with the exit status of the first process, the reader. */
  exited: Promise<number | string>;
}

/** The executable with its two sockets, and nothing said yet. */
export function startExecutable(t: Test, inherited: number[] = []): Sockets {
  const [reader, readerEnd] = UnixSocket.pair();
  const [reaper, reaperEnd] = UnixSocket.pair();
  const child = spawn(findBinary("console-keeper"), [], {
    stdio: ["ignore", "inherit", "inherit", readerEnd.fd, reaperEnd.fd, ...inherited],
  });
  readerEnd.close();
  reaperEnd.close();
  const exited = new Promise<number | string>((resolve) => {
    child.once("exit", (status, signal) => resolve(signal ?? status ?? -1));
  });
  const pid = child.pid ?? -1;
  t.teardown(async () => {
    for (const process of [...descendants(pid), pid]) kill(process);
    await exited;
  });
  const over = (socket: UnixSocket): KeeperClient => new KeeperClient(UnixStream.connect({ fd: socket.release() }));
  const sockets = { pid, reader: over(reader), reaper: over(reaper), exited };
  t.teardown(() => {
    sockets.reader.close();
    sockets.reaper.close();
  });
  return sockets;
}

export class Keeper {
  readonly pid: number;
  readonly reader: KeeperClient;
  readonly reaper: KeeperClient;
  readonly exited: Promise<number | string>;
  readonly directory: string;
  readonly #t: Test;

  constructor(t: Test, { pid, reader, reaper, exited }: Sockets, directory: string) {
    this.#t = t;
    this.pid = pid;
    this.reader = reader;
    this.reaper = reaper;
    this.exited = exited;
    this.directory = directory;
  }

  /** A further client of the reader, after its hello. */
  async client(): Promise<KeeperClient> {
    return this.#connect("reader.sock");
  }

  async reaperClient(): Promise<KeeperClient> {
    return this.#connect("reaper.sock");
  }

  async #connect(name: string): Promise<KeeperClient> {
    const client = await KeeperClient.connect(join(this.directory, name));
    this.#t.teardown(() => client.close());
    return client.hello();
  }

  /** The reaper's pid: the child of the first process that runs the same executable. */
  reaperPid(): number {
    const executable = findBinary("console-keeper");
    const found = childrenOf(this.pid).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith(executable),
    );
    if (found === undefined) throw new Error("no reaper");
    return found;
  }

  /** Both processes have ended. */
  async gone(timeoutMs = 10_000): Promise<void> {
    await until(() => descendants(this.pid).length === 0 && !isAlive(this.pid), {
      what: () => `the keeper to end: ${[this.pid, ...descendants(this.pid)].filter(isAlive).map(described)}`,
      timeoutMs,
    });
  }
}

/** Starts a keeper whose creator is attached, as launch() would: both hellos, attach, start. */
export async function startKeeper(
  t: Test,
  options: StartOptions,
  attach: Parameters<KeeperClient["attach"]>[0] = {},
  inherited: number[] = [],
): Promise<Keeper> {
  const directory = tempDir(t);
  const servers = [
    await UnixServer.listen(join(directory, "reader.sock"), { mode: 0o600 }),
    await UnixServer.listen(join(directory, "reaper.sock"), { mode: 0o600 }),
  ];
  t.teardown(() => {
    for (const server of servers) server.close();
  });
  const sockets = startExecutable(t, inherited);
  const consolePath = join(directory, "console.sock");
  sockets.reader.hello().attach(attach);
  sockets.reaper.hello();
  const argv = options.argv.map((argument) => argument.replaceAll("{}", consolePath));
  const flags = StartFlags.readerListener | StartFlags.reaperListener;
  const [first = Buffer.alloc(0), ...rest] = startRecords(startBody({ ...options, argv, consolePath, flags }));
  sockets.reaper.stream.writeWithFds(
    first,
    servers.map((server) => server.fd),
  );
  for (const part of rest) sockets.reaper.stream.write(part);
  return new Keeper(t, sockets, directory);
}

/** `sh -c` on a terminal of this machine, sent by console-init. */
export function onTerminal(script: string): string[] {
  return [findBinary("console-init"), "--console-socket", "{}", "--ptmx", "/dev/ptmx", "--", "sh", "-c", script];
}

/** Living processes below `pid`, deepest last. */
export function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

function described(pid: number): string {
  try {
    return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")}`;
  } catch {
    return `${pid} (gone)`;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
