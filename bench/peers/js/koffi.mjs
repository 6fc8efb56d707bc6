// koffi N: as descriptors.c with one descriptor, by foreign function calls. The messages' structures are laid out once,
// by hand, for 64 bits: what is measured is the calls.
import koffi from "koffi";

const count = Number(process.argv[2]);
const libc = koffi.load("libc.so.6");
const socketpair = libc.func("int socketpair(int, int, int, _Out_ int *)");
const sendmsg = libc.func("intptr_t sendmsg(int, void *, int)");
const recvmsg = libc.func("intptr_t recvmsg(int, void *, int)");
const close = libc.func("int close(int)");
const [MSG_DONTWAIT, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC] = [0x40, 0x4000, 0x40000000];

/** A msghdr with one iovec; the buffers stay reachable through what is returned. */
function message(data, control) {
  const iovec = Buffer.alloc(16);
  iovec.writeBigUInt64LE(koffi.address(data), 0);
  iovec.writeBigUInt64LE(BigInt(data.length), 8);
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(koffi.address(iovec), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(koffi.address(control), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  return { header, iovec, data, control };
}

const pair = [0, 0];
if (socketpair(1, 1 | 0x80000, 0, pair) !== 0) throw new Error("socketpair");
const out = message(Buffer.alloc(16), Buffer.alloc(24));
out.control.writeBigUInt64LE(20n, 0);
out.control.writeInt32LE(1, 8);
out.control.writeInt32LE(1, 12);
out.control.writeInt32LE(0, 16); // standard input
const into = message(Buffer.alloc(65536), Buffer.alloc(1032));

function loop(messages) {
  for (let i = 0; i < messages; i++) {
    if (sendmsg(pair[0], out.header, MSG_DONTWAIT | MSG_NOSIGNAL) !== 16) throw new Error("not sent");
    into.header.writeBigUInt64LE(BigInt(into.control.length), 40);
    if (recvmsg(pair[1], into.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) !== 16) throw new Error("not received");
    if (into.control.readBigUInt64LE(0) !== 20n) throw new Error("no descriptor");
    close(into.control.readInt32LE(16));
  }
}

loop(20_000);
const start = performance.now();
loop(count);
console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
