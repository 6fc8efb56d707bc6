// Terminals of the host's devpts in this process: both ends at hand, no program behind.
import { OwnedFd } from "cmsg";
import { native } from "cmsg-native";

export interface HostPty {
  ptmx: OwnedFd;
  peer: OwnedFd;
  /** The peer's path. */
  path: string;
}

export function openHostPty(): HostPty {
  const opened = native.openPty("/dev/ptmx");
  if (!("ptmx" in opened)) throw new Error(`no terminal: ${JSON.stringify(opened)}`);
  const path = `/dev/pts/${native.getPtyNumber(opened.ptmx)}`;
  return { ptmx: new OwnedFd(opened.ptmx), peer: new OwnedFd(opened.peer), path };
}
