// Giving a descriptor to a guest by way of Dragonball, the hypervisor built into Kata's Rust runtime: the one place in it
// that takes SCM_RIGHTS. The hypervisor moves the bytes between the descriptor and a connection in the guest.
//
//   > passfd\n
//   > 1027 keep          one message with the descriptor; the port is the agent's, for this
//   < OK 1073741824\n    the port that the connection comes from, as the guest sees it
import { type Fd, OwnedFd, UnixSocket } from "cmsg";
import { closeQuietly, native } from "cmsg-native";
import { checkFd, checks } from "../../options.js";
import { readAnswer } from "./hybrid-vsock.js";

/** Where an agent takes what is passed. */
export const PASS_FD_PORT = 1027;

export interface PassFdOptions {
  /** Whether the connection outlives the other end of the descriptor, so that a FIFO can be opened again. */
  keep?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Passes a descriptor (a pipe, a FIFO, a socket) to a port of the guest. It is borrowed for the call; the hypervisor has
 * a copy from then on.
 *
 * @param path the hypervisor's socket
 * @param port from 0 to 4294967295
 * @returns the port that an agent's CreateContainer and ExecProcess name it by (`stdin_port` …)
 * @throws ConsoleSocketError ERR_CONSOLE_HANDSHAKE, ERR_CONSOLE_NO_LISTENER: the hypervisor closed, as others than
 * Dragonball do; ERR_CONSOLE_TIMEOUT after 10 s, ERR_CONSOLE_INVALID_ARG; ENOENT, ECONNREFUSED, EBADF …; the signal's
 * reason.
 */
export async function passFd(
  path: string,
  port: number,
  fd: Fd,
  { keep = false, signal }: PassFdOptions = {},
): Promise<number> {
  checks.u32("port", port);
  checks.abortSignal(signal);
  const number = checkFd("fd", fd);
  // The caller may close it as soon as this has returned its promise.
  const copy = new OwnedFd(native.dup(number, true));
  try {
    using socket = await UnixSocket.connect(path, { signal });
    const options = signal ? { signal } : {};
    await socket.send(Buffer.from("passfd\n"), [], options);
    await socket.send(Buffer.from(keep ? `${port} keep` : `${port}`), [copy], options);
    return (await readAnswer(socket, signal)).hostPort;
  } finally {
    closeQuietly(() => copy.close());
  }
}
