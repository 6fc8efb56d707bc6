/** An address of the loopback network that no other process of a test run has: tests choose their ports freely on it. */
export const ownHost: string = `127.${1 + ((process.pid >> 16) % 250)}.${(process.pid >> 8) & 255}.${process.pid & 255}`;
