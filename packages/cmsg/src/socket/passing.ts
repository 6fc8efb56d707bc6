// What a socket lets messages carry, and who the peer is: unix(7), SO_PASSCRED and its younger relatives.
import { native, SO_PASSCRED, SO_PASSPIDFD, SO_PASSRIGHTS } from "cmsg-native";
import { needing } from "../errors.js";
import { OwnedFd } from "../fd/owned-fd.js";

/** What messages that arrive here carry. What is not given stays as it is. A server's connections inherit it. */
export interface PassOptions {
  /** SO_PASSCRED: every message has the sender's `credentials`. Off by default. */
  passCredentials?: boolean | undefined;
  /** SO_PASSPIDFD, Linux 6.5: every message has a `pidfd` of its sender. Off by default. */
  passPidfd?: boolean | undefined;
  /** SO_PASSRIGHTS, Linux 6.16: with false, who sends descriptors here gets EPERM. On by default. */
  passRights?: boolean | undefined;
}

/**
 * setsockopt(2), before bind, connect or listen: what arrives before it is not covered.
 *
 * @throws CmsgError ERR_CMSG_UNSUPPORTED
 */
export function setPassing(socket: number, { passCredentials, passPidfd, passRights }: PassOptions): void {
  set(socket, SO_PASSCRED, passCredentials, "passCredentials", "2.2");
  set(socket, SO_PASSPIDFD, passPidfd, "passPidfd (SO_PASSPIDFD)", "6.5");
  set(socket, SO_PASSRIGHTS, passRights, "passRights (SO_PASSRIGHTS)", "6.16");
}

function set(socket: number, option: number, value: boolean | undefined, what: string, since: string): void {
  if (value === undefined) return;
  needing({ what, since, code: "ENOPROTOOPT" }, () => native.setSocketOption(socket, option, value ? 1 : 0));
}

/** SO_PEERPIDFD. */
export function peerPidfdOf(socket: number): OwnedFd {
  const peerPidfd = { what: "A peer's pidfd (SO_PEERPIDFD)", since: "6.5", code: "ENOPROTOOPT" };
  return new OwnedFd(needing(peerPidfd, () => native.getPeerPidfd(socket)));
}
