// Addresses of AF_VSOCK, vsock(7): a machine (CID) and a port, both numbers of 32 bits.
import type { VsockAddress } from "cmsg-native";
import { naming } from "../errors.js";
import { checks } from "../options.js";

/** VMADDR_CID_LOCAL: this machine itself, where the kernel has vsock_loopback. */
export const CID_LOCAL = 1;
/** VMADDR_CID_HOST: the host, as its guests see it. */
export const CID_HOST = 2;
/** VMADDR_CID_ANY: any of this machine's own, to listen on. */
export const CID_ANY = 0xffff_ffff;
/** VMADDR_PORT_ANY: a port that the kernel chooses, to listen on. */
export const PORT_ANY = 0xffff_ffff;

/** @throws CmsgError ERR_CMSG_INVALID_ARG */
export function checkVsockAddress({ cid, port }: VsockAddress): void {
  checks.u32("cid", cid);
  checks.u32("port", port);
}

// What the codes mean for AF_VSOCK.
const REASONS: Record<string, string> = {
  EAFNOSUPPORT: "this kernel has no AF_VSOCK: load the module vsock, or vhost_vsock on a host of virtual machines",
  ENODEV: "the kernel has no transport to that CID: vhost_vsock reaches guests, vsock_loopback this machine (CID 1)",
  EADDRNOTAVAIL: "that CID is not one of this machine's own",
  ECONNRESET: "no socket listens on that port",
};

/** Runs a system call on an address. Its error has the address, and says what the code means for AF_VSOCK. */
export function explaining<Result>({ cid, port }: VsockAddress, call: () => Result): Result {
  return naming({ address: `vsock://${cid}:${port}` }, call, REASONS);
}
