// Debian's protoc as the other opinion on how a message is encoded; needs("protoc").
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fixture } from "./paths.js";

const SCHEMA = fixture("agent.proto");

/** A message of fixtures/agent.proto, from protobuf's text format. */
export function protocEncode(message: string, text: string): Buffer {
  const args = [`--encode=grpc.${message}`, `--proto_path=${dirname(SCHEMA)}`, SCHEMA];
  const { status, stdout, stderr } = spawnSync("protoc", args, { input: text });
  if (status !== 0) throw new Error(`protoc, ${message}: ${stderr}`);
  return stdout;
}

/** Bytes in the text format. */
export function textBytes(bytes: Uint8Array): string {
  return `"${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}"`;
}
