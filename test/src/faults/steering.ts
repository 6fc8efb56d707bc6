// The orders of fixtures/faults, which is preloaded here, and what there is to order.
import { readSync, writeSync } from "node:fs";
import { Tracing } from "../support/traced.js";
import type { Steering } from "./attempt.js";
import { errnosOf } from "./errnos.js";

const CONTROL = 0x7ffffff0;

// strace does not make the call that it fails, and close(2) closes also when it fails. restart_syscall(2) is no call of the
// program's: with it the kernel goes on with one that strace held up, such as poll. Nor is rt_sigreturn(2), which ends a
// signal's handler.
const NOT_UNDER_STRACE: ReadonlySet<string> = new Set(["close", "restart_syscall", "rt_sigreturn"]);

export interface Fault {
  order: string;
  what: string;
}

/** How many calls of each kind there were. */
export type Counts = readonly (readonly [call: string, count: number])[];

export function order(text: string): void {
  writeSync(CONTROL, text);
}

export function report(): { hit: boolean; counts: Counts } {
  const buffer = Buffer.alloc(4096);
  const [hit, ...counts] = buffer.toString("latin1", 0, readSync(CONTROL, buffer)).split(" ");
  return {
    hit: hit === "hit",
    counts: counts.map((text) => text.split("=")).map(([call, n]) => [call ?? "", Number(n)]),
  };
}

/** The preloaded library makes calls of this process fail. */
export function preloaded(instruction: string): Steering {
  return {
    begin: () => order(instruction),
    end: () => order("stop"),
    report,
  };
}

/** strace makes calls of console-init or console-keeper fail (none with less room), or kills at them: `kill CALL K`. */
export function underStrace(instruction: string, place: string): Steering {
  const [kind, call, k, errno] = instruction.split(" ");
  const options: string[] = [];
  if (kind === "fail") options.push("-e", `inject=${call}:error=${errno}:when=${k}`);
  if (kind === "kill") options.push("-e", `inject=${call}:signal=KILL:when=${k}`);
  let tracing: Tracing | undefined;
  return {
    begin() {
      // It names the place, which the operation's other processes do too: all of them are waited for.
      tracing = new Tracing(`${place}.trace`, options);
    },
    end: () => tracing?.end(),
    report: () => tracing?.seen() ?? { hit: false, counts: [] },
  };
}

interface Choice {
  /** Else one errno for each call, another one each time. */
  all: boolean;
  /** strace does not make the call that fails: no call has less room, and a close would not close, as Linux's does. */
  strace: boolean;
}

/** Every fault of these calls. */
export function faultsOf(counts: Counts, { all, strace }: Choice): Fault[] {
  const faults: Fault[] = [];
  for (const [call, count] of counts) {
    if (strace && NOT_UNDER_STRACE.has(call)) continue;
    const errnos = errnosOf(call);
    for (let k = 1; k <= count; k++) {
      const chosen = all ? errnos : errnos.slice(faults.length % errnos.length).slice(0, 1);
      for (const { name, number } of chosen)
        faults.push({ order: `fail ${call} ${k} ${number}`, what: `${call} #${k} ${name}` });
      if (strace) continue;
      if (["read", "write", "sendmsg", "recvmsg"].includes(call))
        faults.push({ order: `short ${call} ${k} 0`, what: `${call} #${k} short` });
      if (call === "recvmsg") faults.push({ order: `cut ${call} ${k} 0`, what: `${call} #${k} without room` });
    }
  }
  return faults;
}
