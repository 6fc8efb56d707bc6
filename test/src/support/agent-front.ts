// A hypervisor's socket before an agent's, which glues what it passes on together, or cuts it into pieces.
import { createConnection, type Socket } from "node:net";
import type { Test } from "tap";
import { hybridFront, OK } from "./hybrid-front.js";

export type Pieces = "hvsock, glued" | "hvsock, in pieces";

/** The address of such a socket, for the agent at `agentPath`. */
export async function agentFront(t: Test, agentPath: string, pieces: Pieces): Promise<string> {
  const { path } = await hybridFront(t, (socket) => {
    const guest = createConnection(agentPath);
    guest.on("error", () => socket.destroy());
    guest.once("close", () => socket.destroy());
    socket.once("close", () => guest.destroy());
    socket.pipe(guest);
    // Glued: the line arrives together with the guest's first bytes, if the guest speaks first.
    if (pieces === "hvsock, glued") guest.once("connect", () => gluedTo(socket, guest));
    // A connection that ends in the middle is what some tests are about.
    else inPieces(socket, guest).catch(() => socket.destroy());
  });
  return `hvsock://${path}:1024`;
}

function gluedTo(socket: Socket, guest: Socket): void {
  let first = true;
  // A guest that waits for the client's first word has nothing to glue: then the line goes alone, a little later.
  const alone = setTimeout(() => {
    first = false;
    socket.write(OK);
  }, 100);
  guest.on("data", (bytes: Buffer) => {
    clearTimeout(alone);
    socket.write(first ? Buffer.concat([Buffer.from(OK), bytes]) : bytes);
    first = false;
  });
}

async function inPieces(socket: Socket, guest: Socket): Promise<void> {
  socket.setNoDelay();
  for (const byte of Buffer.from(OK)) {
    socket.write(Buffer.of(byte));
    await new Promise(setImmediate);
  }
  for await (const chunk of guest) {
    const bytes = chunk as Buffer;
    // Sizes that fall on no header's end.
    for (let at = 0; at < bytes.length && !socket.destroyed; at += 1021) {
      socket.write(bytes.subarray(at, at + 7));
      await new Promise(setImmediate);
      socket.write(bytes.subarray(at + 7, at + 1021));
    }
  }
}
