// Waiting for room in the queue of a datagram socket that ours is not connected to. Our own socket's readiness tells
// only of its own buffer (a level-triggered wait on it would spin); that of a connected one tells of its peer's queue.
// So a socket of its own is connected there, which nobody notices, and waited on. It has sent nothing, so its own buffer
// never holds it up.
import { closeQuietly, native, SOCK_DGRAM, type Watcher } from "cmsg-native";
import { connectTo, type UnixAddress } from "../address/unix-address.js";
import { WOULD_BLOCK } from "./pending.js";
import { RoomWait } from "./room-wait.js";

export class DatagramRoom {
  readonly #onRoom: () => void;
  readonly #room: RoomWait = new RoomWait(() => this.#onRoom());
  #waiting: { fd: number; watcher: Watcher } | undefined;
  #ref = true;

  constructor(onRoom: () => void) {
    this.#onRoom = onRoom;
  }

  /** Calls back once when `address` takes messages again. Throws what connect(2) says of it. */
  wait(address: UnixAddress): void {
    if (this.#waiting) return;
    const fd = this.#room.attempt(() => native.socket(SOCK_DGRAM));
    if (fd === WOULD_BLOCK) return;
    try {
      connectTo(fd, address);
      const watcher = new native.Watcher(fd, () => {
        this.stop();
        this.#onRoom();
      });
      watcher.setRef(this.#ref);
      watcher.watch(false, true);
      this.#waiting = { fd, watcher };
    } catch (error) {
      closeQuietly(() => native.close(fd));
      throw error;
    }
  }

  stop(): void {
    this.#room.stop();
    if (!this.#waiting) return;
    const { fd, watcher } = this.#waiting;
    this.#waiting = undefined;
    watcher.close();
    closeQuietly(() => native.close(fd));
  }

  setRef(ref: boolean): void {
    this.#ref = ref;
    this.#waiting?.watcher.setRef(ref);
    this.#room.setRef(ref);
  }
}
