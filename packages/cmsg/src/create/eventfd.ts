// A counter that can be waited for, eventfd(2).
import { native } from "cmsg-native";
import { OwnedFd } from "../fd/owned-fd.js";
import { checks } from "../options.js";

export interface EventfdOptions {
  /** EFD_SEMAPHORE: a read takes 1 of the counter and gives 1. Default: a read takes and gives all of it. */
  semaphore?: boolean | undefined;
  /** O_NONBLOCK: a read while the counter is 0 fails with EAGAIN. Default: false, so that it waits. */
  nonBlocking?: boolean | undefined;
}

/**
 * eventfd(2): a counter of 64 bits in the kernel. write(2) of 8 bytes (a number in this machine's order) adds, read(2) of 8
 * bytes takes. Processes that have a copy wake each other with it, as hypervisors and their devices do. The descriptor is
 * the caller's to close, and close-on-exec. A blocking read stops the event loop while the counter is 0.
 *
 *     using kick = eventfd(0, { nonBlocking: true });
 *     await socket.send(Buffer.from("kick"), [kick]); // the receiver writes to its copy
 *     const count = new BigUint64Array(1);
 *     readSync(kick.fd, count); // EAGAIN: it has not
 *
 * @param initial the counter at first, from 0 (the default) to 4294967295
 * @throws CmsgError ERR_CMSG_INVALID_ARG; EMFILE, ENFILE, ENODEV, ENOMEM
 */
export function eventfd(initial = 0, { semaphore = false, nonBlocking = false }: EventfdOptions = {}): OwnedFd {
  checks.u32("initial", initial);
  return new OwnedFd(native.eventfd(initial, semaphore, nonBlocking));
}
