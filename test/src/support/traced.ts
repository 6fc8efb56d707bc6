// console-init and console-keeper under strace, which makes a system call fail or kills at it: they are static, so no
// preloaded library reaches them. Whoever starts them by findBinary(cmsg-native) starts them so, between `begin` and `end`.
//
// strace is no parent of what it traces (-D): the pid, the parent and the exit status are the executable's own. It lets go
// of whatever becomes another program (-b execve).
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findBinary } from "cmsg-native";
import { fixtureBuild } from "./paths.js";

/** Tap's `skip`: another build, a sanitizer's say, makes system calls of its own. */
export const untraceable: string | false =
  process.env["CMSG_NATIVE_BUILD"] !== undefined && "CMSG_NATIVE_BUILD names another build";

const EXECUTABLES = ["console-init", "console-keeper"] as const;
const VARIABLES = ["CMSG_NATIVE_BUILD", "TRACED", "TRACE_LOG", "TRACE_OPTIONS"] as const;
// As seen from native/build, where builds are.
const BUILD = "../../test/build/traced";

const WRAPPER = `#!/bin/sh
# The same executable, under strace.
unset CMSG_NATIVE_BUILD
exec strace -D -f -b execve -o "$TRACE_LOG" $TRACE_OPTIONS -- "$TRACED/\${0##*/}" "$@"
`;

// The beginning of a C library, of musl or glibc, which the program cannot answer for.
const NOT_ITS_OWN =
  "execve arch_prctl brk mmap munmap mprotect set_tid_address set_robust_list rseq prlimit64 readlinkat getrandom";
// No failure of these is possible where they are used: with signals and times that exist, of a wait for children that are
// there, and that does not block.
const NEVER_FAIL = "exit exit_group getppid getpid gettid rt_sigaction rt_sigprocmask setitimer wait4";
const LEFT_OUT = new Set(`${NOT_ITS_OWN} ${NEVER_FAIL}`.split(" "));

export interface Traced {
  /** How many of each kind of system call the process that made most of them has made, in the order of the first. */
  readonly counts: [call: string, count: number][];
  /** Whether the call that `options` name was reached. */
  readonly hit: boolean;
}

export class Tracing {
  readonly #log: string;
  readonly #before = VARIABLES.map((name) => process.env[name]);

  /**
   * @param log a path; the tracer has it in its command line, and has written everything when it is gone.
   * @param options of strace, none with a space
   */
  constructor(log: string, options: readonly string[]) {
    this.#log = log;
    const binaries = dirname(findBinary("console-keeper"));
    const directory = join(fixtureBuild, "traced");
    for (const name of EXECUTABLES) write(join(directory, name));
    Object.assign(process.env, {
      CMSG_NATIVE_BUILD: BUILD,
      TRACED: binaries,
      TRACE_LOG: log,
      TRACE_OPTIONS: options.join(" "),
    });
  }

  /** What is started from now on is not traced. */
  end(): void {
    for (const [index, name] of VARIABLES.entries()) {
      const value = this.#before[index];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }

  /** Once the tracer is gone. Removes the log. */
  seen(): Traced {
    const text = existsSync(this.#log) ? readFileSync(this.#log, "latin1") : "";
    rmSync(this.#log, { force: true });
    return { counts: countsIn(text), hit: /\(INJECTED\)|\+\+\+ killed by SIGKILL/.test(text) };
  }
}

/** Calls are counted apart in each process, as strace does. */
export function countsIn(log: string): [call: string, count: number][] {
  const most = new Map<string, number>();
  const each = new Map<string, number>();
  for (const [, pid, call = ""] of log.matchAll(/^(\d+) +(\w+)\(/gm)) {
    if (LEFT_OUT.has(call)) continue;
    const count = (each.get(`${pid} ${call}`) ?? 0) + 1;
    each.set(`${pid} ${call}`, count);
    most.set(call, Math.max(count, most.get(call) ?? 0));
  }
  return [...most];
}

// Other processes may be about to start the one that is there.
function write(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && readFileSync(path, "latin1") === WRAPPER) return;
  const own = `${path}.${process.pid}`;
  writeFileSync(own, WRAPPER);
  chmodSync(own, 0o755);
  renameSync(own, path);
}
