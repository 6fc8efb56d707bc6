// The independent witness at the other end of a socket: fixtures/peer.py, which shares no code with this project and
// sends what a decent peer would not. Its steps are documented there.
import type { Test } from "tap";
import { fixture } from "./paths.js";
import { type Program, start } from "./processes.js";

type Text = string | { repeat: string; times: number };
type FdKind =
  | "master"
  | "slave"
  | "dead-master"
  | "unopened-master"
  | "file"
  | "directory"
  | "opath"
  | "opath-ptmx"
  | "fifo"
  | "pipe"
  | "socket"
  | "opened"
  | "null";

export type PeerStep =
  | { connect: string }
  | { adopt: number }
  | { listen: string | { path: string; type: "stream" | "seqpacket" | "dgram" } }
  | { accept: true }
  | { close: true }
  | { send: { payload?: Text; fds?: (FdKind | { open: string } | { kind: FdKind; times: number })[] } }
  | { receive: true }
  | { write: Text }
  | { read: string }
  | { size: true }
  | { resize: [columns: number, rows: number] }
  | { raw: true }
  | { hangup: true }
  | { open: string }
  | { pause: number }
  | { hold: true };

/** Steps that deliver a console as a decent sender would, show `text` on its terminal and hang up. */
export function delivery(text: string): PeerStep[] {
  return [{ send: { payload: "/dev/ptmx", fds: ["master"] } }, { close: true }, { write: text }, { hangup: true }];
}

/** What a step reports. `error` is the errno's name; it ends the peer. */
export interface PeerReport {
  step: string;
  error?: string;
  bytes?: number;
  payload?: string;
  flags?: number;
  fds?: number;
  data?: string;
  ended?: string | null;
  size?: [columns: number, rows: number];
}

export class Peer {
  readonly program: Program;

  constructor(t: Test, steps: PeerStep[], fds: number[] = []) {
    this.program = start(t, "python3", [fixture("peer.py"), JSON.stringify(steps)], { fds });
  }

  /** Every report so far. */
  get reports(): PeerReport[] {
    const lines = this.program.stdout.split("\n").slice(0, -1); // the last one is not complete yet
    return lines.map((line) => JSON.parse(line) as PeerReport);
  }

  /** The report of the n-th step (from 0), when it is done. */
  async step(index: number, timeoutMs?: number): Promise<PeerReport> {
    await this.program.output(new RegExp(`^(.*\n){${index + 1}}`), timeoutMs);
    const report = this.reports[index];
    if (!report) throw new Error("the pattern guarantees that line");
    return report;
  }

  /** End a `hold`. */
  goOn(): void {
    this.program.write("\n");
  }

  /** All reports, when the peer has ended. */
  async done(): Promise<PeerReport[]> {
    await this.program.ended;
    if (this.program.stderr) throw new Error(`peer.py: ${this.program.stderr}`);
    return this.reports;
  }
}

/** Start a peer; `fds` become its fds 3, 4, … for `adopt`. needs("python3"). */
export function startPeer(t: Test, steps: PeerStep[], fds?: number[]): Peer {
  return new Peer(t, steps, fds);
}
