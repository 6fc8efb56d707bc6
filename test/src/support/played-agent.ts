// An agent that is played in this process: what arrives is at hand as bytes, and what is answered is bytes too.
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { join } from "node:path";
import type { UnixStream } from "cmsg";
import type { Test } from "tap";
import { tempDir } from "./temp-dir.js";
import { until } from "./until.js";

/** What comes on a stream, as it is. */
export class Received {
  bytes: Buffer = Buffer.alloc(0);

  constructor(stream: UnixStream) {
    stream.on("data", (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
    });
  }

  /** Resolves when so many bytes are there, and takes them. */
  async take(count: number): Promise<Buffer> {
    await until(() => this.bytes.length >= count, {
      what: () => `${count} bytes, with ${this.bytes.length} there: ${this.bytes.toString("latin1")}`,
    });
    const taken = this.bytes.subarray(0, count);
    this.bytes = this.bytes.subarray(count);
    return taken;
  }
}

/** A frame of ttRPC: a response, unless told otherwise. */
export function ttrpcFrame(stream: number, message: Uint8Array, type = 2): Buffer {
  const header = Buffer.alloc(10);
  header.writeUInt32BE(message.length, 0);
  header.writeUInt32BE(stream, 4);
  header.writeUInt8(type, 8);
  return Buffer.concat([header, message]);
}

/** The content of the last length-delimited field `number` of a message; undefined without one. */
function fieldOf(message: Buffer | undefined, number: number): Buffer | undefined {
  let found: Buffer | undefined;
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = (message as Buffer)[at++] ?? 0;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (message && at < message.length) {
    const tag = varint();
    const value = varint(); // a length, or the value itself: these messages have no other kinds
    if ((tag & 7) !== 2) continue;
    if (tag >> 3 === number) found = message.subarray(at, at + value);
    at += value;
  }
  return found;
}

/** Whether Kata 1.x's agent would panic: it dereferences OCI (6), Linux (8) and Resources (4) of CreateContainer. */
function panics(method: string | undefined, body: Buffer): boolean {
  if (method !== "/grpc.AgentService/CreateContainer") return false;
  return fieldOf(fieldOf(fieldOf(body.subarray(5), 6), 8), 4) === undefined;
}

/** An HTTP/2 server that hands each call to `answer`, with the body that came. Like Kata 1.x's agent it can panic. */
export async function httpAgent(
  t: Test,
  answer: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: Buffer) => void,
): Promise<string> {
  const path = join(tempDir(t), "s");
  const server = createServer();
  server.on("stream", async (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => undefined);
    stream.once("end", () => {
      const body = Buffer.concat(chunks);
      if (panics(headers[":path"], body)) end();
      else answer(stream, headers, body);
    });
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  const end = () => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  server.listen(path);
  await once(server, "listening");
  t.teardown(end);
  return path;
}

/** A gRPC message with its prefix. */
export function grpcFrame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
