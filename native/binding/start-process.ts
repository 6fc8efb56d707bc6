// Processes that get no descriptor but those they are given (native/addon/starting_thread.h says why), as promises.
import { setTimeout as delay } from "node:timers/promises";
import { getSystemErrorName } from "node:util";
import { closeQuietly } from "./close-quietly.js";
import { native, type StartReply, type StartRequest, type Watcher } from "./native.js";

export interface StartOptions {
  /** The arguments from argv[0] on. Default: the file alone. */
  argv?: readonly string[];
  /** Default: process.env. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Default: this process's working directory. */
  cwd?: string | undefined;
  /** setsid(2): signals of this process's terminal do not reach it. */
  ownSession?: boolean;
  /** What become its descriptors 0, 1, 2 …, at most 16; "null" is /dev/null. Borrowed until the promise settles. */
  descriptors?: readonly (number | "null")[];
}

/** A process of `startProcess`. Its descriptor is closed and its number freed when it has ended. */
export class StartedProcess {
  readonly pid: number;
  /** The wait status, wait(2). Rejects with ECHILD when other code of this process took it. Nobody has to listen. */
  readonly exited: Promise<number>;
  readonly #pidfd: number;
  readonly #watcher: Watcher;
  #ended = false;
  #keepsLoop = true;

  /** @internal Use `startProcess()`. Takes `pidfd`. */
  constructor(pid: number, pidfd: number) {
    this.pid = pid;
    this.#pidfd = pidfd;
    let onExit: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      onExit = resolve;
    });
    this.exited = ended.then(() => this.#reap());
    this.exited.catch(() => undefined);
    this.#watcher = new native.Watcher(pidfd, () => {
      this.#ended = true;
      this.#watcher.close();
      closeQuietly(() => native.close(pidfd));
      onExit();
    });
    try {
      this.#watcher.watch(true, false);
    } catch (error) {
      native.endProcess(pid);
      closeQuietly(() => native.close(pidfd));
      throw error;
    }
  }

  /** Sends a signal, by its number; false when the process has ended. */
  kill(signal: number): boolean {
    return !this.#ended && native.sendSignal(this.#pidfd, signal);
  }

  ref(): void {
    this.#keepsLoop = true;
    this.#watcher.setRef(true);
  }

  unref(): void {
    this.#keepsLoop = false;
    this.#watcher.setRef(false);
  }

  async #reap(): Promise<number> {
    for (;;) {
      const status = native.reapProcess(this.pid);
      if (status !== null) return status;
      // A tracer of it, which wait(2) tells first, has not taken its status yet.
      await delay(10, undefined, { ref: this.#keepsLoop });
    }
  }
}

/**
 * Starts the program at `file`, a path. It inherits the descriptors of `options` and no other, default actions for all
 * signals, and none blocked.
 *
 * @throws as child_process.spawn(): ENOENT, EACCES … of execve(2); EAGAIN, ENOMEM; ERR_INVALID_ARG_VALUE for a NUL byte;
 * of its own ENOENT … with syscall "chdir", and EMFILE.
 */
export async function startProcess(file: string, options: StartOptions = {}): Promise<StartedProcess> {
  const { argv = [file], env = process.env, cwd = "", ownSession = false, descriptors = [] } = options;
  const request: StartRequest = {
    file,
    arguments: argv,
    environment: Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
    directory: cwd,
    ownSession,
    descriptors: descriptors.map((fd) => (fd === "null" ? -1 : fd)),
  };
  for (const text of [file, cwd, ...request.arguments, ...request.environment]) refuseNul(text);
  const { pid, pidfd, errno, call } = await requests.carryOut(request);
  if (pid === 0) throw notStarted(errno, call, request);
  return new StartedProcess(pid, pidfd);
}

// The requests of this environment. No more are under way at a time than the thread's socket has room for, several times
// over; the others wait for their turn.
class Requests {
  static readonly #maxUnderWay = 64;
  readonly #underWay = new Map<number, (reply: StartReply) => void>();
  readonly #waiting: (() => void)[] = [];
  #lastId = 0;
  #watcher: Watcher | undefined;

  async carryOut(request: StartRequest): Promise<StartReply> {
    while (this.#underWay.size >= Requests.#maxUnderWay) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#lastId = (this.#lastId + 1) >>> 0;
    const id = this.#lastId;
    try {
      this.#watch();
      native.startProcess(request, id);
    } catch (error) {
      this.#rest();
      throw error;
    }
    return new Promise((resolve) => this.#underWay.set(id, resolve));
  }

  #watch(): void {
    this.#watcher ??= new native.Watcher(native.startReplies(), () => this.#onReplies());
    this.#watcher.watch(true, false);
  }

  // Nothing is open while nothing starts.
  #rest(): void {
    if (this.#underWay.size > 0) return;
    this.#watcher?.close();
    this.#watcher = undefined;
    native.stopStartReplies();
  }

  #onReplies(): void {
    for (let reply = native.nextStartReply(); reply !== null; reply = native.nextStartReply()) {
      this.#underWay.get(reply.id)?.(reply);
      this.#underWay.delete(reply.id);
      this.#waiting.shift()?.();
    }
    this.#rest();
  }
}

const requests = new Requests();

/**
 * For a text that goes to execve(2), which would take it up to there.
 *
 * @throws TypeError ERR_INVALID_ARG_VALUE
 */
export function refuseNul(text: string): void {
  if (!text.includes("\0")) return;
  const error = new TypeError(`Expected a string without a NUL byte; got ${JSON.stringify(text)}`);
  throw Object.assign(error, { code: "ERR_INVALID_ARG_VALUE" });
}

function notStarted(errno: number, call: string, { file, directory }: StartRequest): Error {
  const code = getSystemErrorName(errno);
  const changing = call === "chdir";
  const syscall = changing ? "chdir" : `spawn ${file}`;
  const error = new Error(changing ? `chdir ${code} '${directory}'` : `spawn ${file} ${code}`);
  return Object.assign(error, { code, errno, syscall, path: changing ? directory : file });
}
