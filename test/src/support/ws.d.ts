// What the tests use of ws, which has no types of its own.
declare module "ws" {
  import type { EventEmitter } from "node:events";
  import type { IncomingMessage } from "node:http";
  import type { Duplex } from "node:stream";

  export class WebSocket extends EventEmitter {
    constructor(url: string, options?: { createConnection?: () => Duplex; perMessageDeflate?: boolean });
    readonly readyState: number;
    readonly bufferedAmount: number;
    send(data: string | Buffer, done?: (error?: Error) => void): void;
    ping(data: string): void;
    close(code: number, reason: string): void;
    terminate(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: { noServer: true; perMessageDeflate?: boolean });
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: WebSocket) => void): void;
  }

  export function createWebSocketStream(socket: WebSocket): Duplex;
}
