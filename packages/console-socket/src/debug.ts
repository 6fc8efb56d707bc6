// NODE_DEBUG=console-socket: what happens to sockets and consoles, never what is written on them.
import { debuglog } from "node:util";

export const debug: ReturnType<typeof debuglog> = debuglog("console-socket");
