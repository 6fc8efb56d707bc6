// --log and --record: what the console shows, into files too.
import { createWriteStream, type WriteStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { Console } from "../console/console.js";
import type { WindowSize } from "../console/window-size.js";
import { Asciicast } from "../record/asciicast.js";
import { ConsoleLog } from "../record/console-log.js";
import type { CommonOptions } from "./common-options.js";

export class Copies {
  readonly #files: WriteStream[] = [];
  readonly #log: ConsoleLog | undefined;
  readonly #recordTo: WriteStream | undefined;
  #recording: Asciicast | undefined;
  #console: Console | undefined;

  private constructor(log: [WriteStream, ConsoleLog] | undefined, recordTo: WriteStream | undefined) {
    this.#recordTo = recordTo;
    if (log) {
      const [file, format] = log;
      this.#log = format;
      format.pipe(file);
      this.#files.push(file);
    }
    if (recordTo) this.#files.push(recordTo);
    // finish() reports it. A full disk ends the copy and not the session: once nobody takes what the copy makes, it would
    // hold the console up.
    log?.[0].on("error", () => this.#stop(this.#log));
    recordTo?.on("error", () => this.#stop(this.#recording));
  }

  /** Opens the files, before anything runs: ENOENT, EACCES … */
  static async open({ log, logFormat, record }: CommonOptions): Promise<Copies> {
    const logFile = log === undefined ? undefined : await file(log, "a");
    const recordFile = record === undefined ? undefined : await file(record, "w");
    return new Copies(logFile && [logFile, new ConsoleLog({ format: logFormat })], recordFile);
  }

  /** From now on, before anybody reads from it. */
  of(terminal: Console, command: string | undefined): void {
    this.#console = terminal;
    if (this.#log) terminal.pipe(this.#log);
    if (!this.#recordTo) return;
    const { TERM } = process.env;
    this.#recording = new Asciicast({ initialSize: terminal.size, command, type: TERM });
    this.#recording.pipe(this.#recordTo);
    terminal.pipe(this.#recording, { end: false });
  }

  resize(size: WindowSize): void {
    this.#recording?.resize(size);
  }

  /**
   * Writes what is left, and the exit status into the recording where there is one.
   *
   * @throws ENOSPC …: a file is not complete.
   */
  async finish(status?: number): Promise<void> {
    // It may still be open, when this process is about to die.
    this.#stop(this.#log);
    this.#stop(this.#recording);
    this.#log?.end();
    if (status === undefined) this.#recording?.end();
    else this.#recording?.exit(status);
    if (!this.#recording) this.#recordTo?.end();
    // All of them before the first error: the process exits after this.
    const ends = await Promise.allSettled(this.#files.map((file) => finished(file)));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  #stop(copy: Writable | undefined): void {
    if (copy) this.#console?.unpipe(copy);
  }
}

async function file(path: string, flags: "a" | "w"): Promise<WriteStream> {
  const handle = await open(path, flags, 0o600);
  return createWriteStream(path, { fd: handle });
}
