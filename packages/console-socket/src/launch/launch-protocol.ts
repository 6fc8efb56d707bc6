// The library's side of the protocol with console-monitor: records of three 32-bit integers in the host's order, over a
// Unix stream socket. native/monitor/protocol.h says what each record means.
import { endianness } from "node:os";
import { ToLibrary, ToMonitor } from "cmsg-native";

const LENGTH = 12;
const LITTLE = endianness() === "LE";

/** What the monitor reports. `status` is as wait(2) has it. */
export type Report =
  | { kind: "started"; pid: number }
  | { kind: "not-started"; errno: number }
  | { kind: "output"; bytes: Buffer }
  | { kind: "child"; pid: number }
  | { kind: "runtime-ended"; pid: number; status: number }
  | { kind: "ended"; pid: number; status: number };

/** To send this signal to the runtime command. */
export function signalRecord(signal: number): Buffer {
  return record(ToMonitor.signal, signal);
}

/** To hold the console whose master comes beside this record. */
export function holdRecord(): Buffer {
  return record(ToMonitor.hold, 0);
}

function record(kind: number, subject: number): Buffer {
  return Buffer.from(new Int32Array([kind, subject, 0]).buffer);
}

/** Takes the bytes as they come, in whatever pieces. */
export class RecordReader {
  #rest: Buffer = Buffer.alloc(0);

  *read(bytes: Buffer): Generator<Report, void, void> {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      if (this.#rest.length < LENGTH) return;
      const [kind, subject, status] = [0, 4, 8].map((offset) => int32(this.#rest, offset)) as [number, number, number];
      if (kind === ToLibrary.output && subject < 0) throw mismatch(`output of ${subject} bytes`);
      const length = LENGTH + (kind === ToLibrary.output ? subject : 0);
      if (this.#rest.length < length) return;
      const payload = this.#rest.subarray(LENGTH, length);
      this.#rest = this.#rest.subarray(length);
      yield reportOf(kind, subject, status, payload);
    }
  }
}

function int32(bytes: Buffer, offset: number): number {
  return LITTLE ? bytes.readInt32LE(offset) : bytes.readInt32BE(offset);
}

function reportOf(kind: number, subject: number, status: number, payload: Buffer): Report {
  switch (kind) {
    case ToLibrary.started:
      return { kind: "started", pid: subject };
    case ToLibrary.notStarted:
      return { kind: "not-started", errno: subject };
    case ToLibrary.output:
      return { kind: "output", bytes: payload };
    case ToLibrary.child:
      return { kind: "child", pid: subject };
    case ToLibrary.runtimeEnded:
      return { kind: "runtime-ended", pid: subject, status };
    case ToLibrary.ended:
      return { kind: "ended", pid: subject, status };
    default:
      throw mismatch(`a record of kind ${kind}`);
  }
}

function mismatch(what: string): Error {
  return new Error(`console-monitor and this library do not fit together: it sent ${what}`);
}
