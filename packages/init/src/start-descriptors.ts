// What console-init is started with: a socket for the console, one for the handshake, and a pipe as standard error.
import { Socket } from "node:net";
import { type OwnedFd, UnixSocket } from "cmsg";
import { pipe } from "cmsg/create";

const MAX_STDERR_LENGTH = 64 * 1024;

// Both ends of what console-init is started with. An end that cannot be made closes those before it.
export class Descriptors {
  readonly socket: UnixSocket;
  readonly handshake: UnixSocket;
  readonly stderr: Stderr;
  readonly childs: { console: UnixSocket; handshake: UnixSocket; stderr: OwnedFd };

  constructor() {
    const made: { close(): void }[] = [];
    const keep = <Ends extends { close(): void }[]>(ends: Ends): Ends => {
      made.push(...ends);
      return ends;
    };
    try {
      const [socket, console] = keep(UnixSocket.pair());
      const [handshake, theirHandshake] = keep(UnixSocket.pair());
      const [read, write] = keep(pipe());
      this.childs = { console, handshake: theirHandshake, stderr: write };
      this.socket = socket;
      this.handshake = handshake;
      // An unanswered ready is no reason to stay alive; the process is.
      handshake.unref();
      this.stderr = new Stderr(read);
    } catch (error) {
      for (const end of made) end.close();
      throw error;
    }
  }

  closeChilds(): void {
    for (const end of Object.values(this.childs)) end.close();
  }
}

/** What is said on the reading end of a pipe, which it takes. */
export class Stderr {
  text = "";
  readonly #stream: Socket;

  constructor(read: OwnedFd) {
    this.#stream = new Socket({ fd: read.fd, readable: true, writable: false });
    read.release();
    this.#stream.setEncoding("utf8").on("data", (text: string) => {
      if (this.text.length < MAX_STDERR_LENGTH) this.text += text;
    });
    this.#stream.on("error", () => undefined).unref();
  }

  /** All that a process said that has ended. Not to the pipe's end: who was left behind can hold that for ever. */
  async end(): Promise<string> {
    // It is in the pipe by now, and between two of these the loop looks at its pipes once.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    this.#stream.destroy();
    return this.text;
  }
}
