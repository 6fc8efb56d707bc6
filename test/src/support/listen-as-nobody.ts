import type { ListenOptions } from "cmsg";
import type { Test } from "tap";
import { nodeProgram } from "./node-program.js";
import { run } from "./processes.js";

/** What becomes of UnixServer.listen() for a user without privileges: "listens" or an error code. needs("root"). */
export async function listenAsNobody(t: Test, path: string, options: ListenOptions = {}): Promise<string> {
  const program = nodeProgram("cmsg/listen-as-nobody", [path, JSON.stringify(options)]);
  const { stdout } = await run(t, ...program);
  return stdout.trim();
}
