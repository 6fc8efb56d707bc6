// A pipe, pipe(7).
import { native } from "cmsg-native";
import { OwnedFd } from "../fd/owned-fd.js";

export interface PipeOptions {
  /**
   * O_NONBLOCK on both ends. Default: false, as programs that inherit an end expect it. `net.Socket({fd})` sets it by
   * itself on the end that it takes.
   */
  nonBlocking?: boolean | undefined;
}

/**
 * pipe2(2): bytes that are written to the second descriptor are read from the first. Both are the caller's to close, and
 * close-on-exec: a child process gets an end through the option `stdio` of `child_process.spawn`, and another process gets
 * it as a message's descriptor. The reader sees the end when every copy of the writing end is closed, this process's too.
 * The kernel holds 65536 bytes in between as a rule (pipe(7)); a blocking write of more stops the event loop.
 *
 *     const [read, write] = pipe();
 *     using _read = read;
 *     const child = spawn("date", { stdio: ["ignore", write.fd, "inherit"] });
 *     write.close(); // the child has a copy
 *     await once(child, "exit");
 *     console.log(readFileSync(read.fd, "utf8"));
 *
 * @throws EMFILE, ENFILE (no descriptor left; or, for a user without privileges, too much memory in pipes)
 */
export function pipe({ nonBlocking = false }: PipeOptions = {}): [read: OwnedFd, write: OwnedFd] {
  const [read, write] = native.pipe(nonBlocking);
  return [new OwnedFd(read), new OwnedFd(write)];
}
