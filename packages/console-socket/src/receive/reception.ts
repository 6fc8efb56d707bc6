// Connections on which a console is awaited. Native code accepts and receives, so that a console has its size before any
// JavaScript runs; here its events become promises.
import { type ConsoleDelivery, type ConsoleEvent, type ConsoleReceiver, native, onAbort } from "cmsg-native";
import { settingsOf } from "../console/master.js";
import type { PtyConsoleOptions } from "../console/pty-console-options.js";

export interface ReceptionOptions extends Pick<PtyConsoleOptions, "initialSize" | "onlcr"> {
  /** Maximum number of accepted connections that have not delivered yet. */
  maxPending?: number | undefined;
  /** Users that may deliver besides root and this process's own; undefined: every user. */
  uids?: readonly number[] | undefined;
}

export class Reception implements Disposable {
  readonly #receiver: ConsoleReceiver;
  readonly #waiting: Map<number, (delivery: ConsoleDelivery) => void> = new Map();

  /** @param onAccept told of each connection that `listen` accepts, and of failures to accept one */
  constructor(options: ReceptionOptions, onAccept: (event: ConsoleEvent) => void = () => undefined) {
    const heard = (event: ConsoleEvent): void => {
      const { connection, delivery, peer } = event;
      if (connection !== undefined && delivery && !peer) this.#waiting.get(connection)?.(delivery);
      else onAccept(event);
    };
    this.#receiver = new native.ConsoleReceiver(heard, options.maxPending ?? 1, options.uids, ...settingsOf(options));
  }

  /** Accepts the connections of a listening socket, borrowed until `close`. */
  listen(fd: number): void {
    this.#receiver.listen(fd);
  }

  /** Accepts again after an error. */
  accept(): void {
    this.#receiver.accept();
  }

  /** What comes on a connection, borrowed, that was not accepted here, or that has failed to deliver before. */
  async receive(connection: number, signal: AbortSignal): Promise<ConsoleDelivery> {
    return this.#receiver.receive(connection) ?? this.delivery(connection, signal);
  }

  /** What comes on a connection that was accepted here. Rejects with the signal's reason. */
  delivery(connection: number, signal: AbortSignal): Promise<ConsoleDelivery> {
    return new Promise((resolve, reject) => {
      const forgetSignal = onAbort(signal, () => {
        this.#waiting.delete(connection);
        this.#receiver.forget(connection);
        reject(signal.reason);
      });
      this.#waiting.set(connection, (delivery) => {
        this.#waiting.delete(connection);
        forgetSignal();
        resolve(delivery);
      });
    });
  }

  /** Stops accepting and receiving. Call it before the sockets are closed. */
  close(): void {
    this.#receiver.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
