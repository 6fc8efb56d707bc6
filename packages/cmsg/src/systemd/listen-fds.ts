// Sockets that a service manager opened before this process began, sd_listen_fds(3): descriptors 3, 4, … of the number
// LISTEN_FDS, meant for the process LISTEN_PID only, named by LISTEN_FDNAMES. What was put into the fd store with
// `storeFds` comes back the same way after a restart.
import { native } from "cmsg-native";
import { CmsgError } from "../errors.js";
import { OwnedFd } from "../fd/owned-fd.js";
import { ownPidfdId } from "./own-pidfd-id.js";

/** SD_LISTEN_FDS_START: the first descriptor that is passed. */
export const LISTEN_FDS_START = 3;

// What sd_listen_fds(3) gives to one that came without a name.
const UNNAMED = "unknown";

// LISTEN_PIDFDID is newer (systemd 258): whoever forgets the others has to forget it too.
const VARIABLES = ["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"] as const;

// OwnedFd would take a number twice, and the second owner would close what is somebody else's by then.
let taken = false;

/** One descriptor that the service manager passed. */
export interface PassedFd {
  /** FileDescriptorName= of the socket unit (its default is the unit's name), or FDNAME of the fd store. */
  readonly name: string;
  /** The caller's to close, or to give to `listenOn` or `UnixServer.fromFd`. Any kind of file. */
  readonly fd: OwnedFd;
}

export interface ListenFdsOptions {
  /** Remove the LISTEN_ variables from `process.env`, so that programs started from here do not see them: true. */
  unsetEnvironment?: boolean | undefined;
}

/**
 * The descriptors that systemd, or `systemd-socket-activate`, passed to this process, in order; an empty array when it
 * was started without. They are the caller's, and close-on-exec. They can be taken once: a second call throws, since
 * their numbers may be other files' by then.
 *
 * Where sd_listen_fds(3) answers 0 to a LISTEN_PID that is not this process, this throws: the usual reason is a program
 * in between (npm, a shell without `exec`), and a service that then opens a port of its own hides that.
 *
 * LISTEN_PIDFDID (systemd 258) tells this process from an earlier one with the same pid. It is checked from Linux 6.9 on.
 *
 * @throws CmsgError ERR_CMSG_LISTEN_FDS: LISTEN_PID or LISTEN_PIDFDID names another process, a variable is malformed, a descriptor is
 * missing, or they were taken already.
 */
export function listenFds({ unsetEnvironment = true }: ListenFdsOptions = {}): PassedFd[] {
  const { LISTEN_PID, LISTEN_PIDFDID, LISTEN_FDS, LISTEN_FDNAMES } = process.env;
  if (LISTEN_PID === undefined || LISTEN_FDS === undefined) {
    if (unsetEnvironment) unset();
    return [];
  }
  const pid = wholeNumber("LISTEN_PID", LISTEN_PID);
  if (pid !== process.pid) {
    throw new CmsgError(
      "ERR_CMSG_LISTEN_FDS",
      `LISTEN_PID says that the sockets are for process ${pid}; this is ${process.pid}. A program between the service ` +
        "manager and this one (npm, a shell) got them: start node itself, or let a shell `exec` it.",
    );
  }
  if (LISTEN_PIDFDID !== undefined) requireOwnPidfdId(LISTEN_PIDFDID);
  const count = wholeNumber("LISTEN_FDS", LISTEN_FDS);
  const names = LISTEN_FDNAMES === undefined ? [] : LISTEN_FDNAMES.split(":");
  if (LISTEN_FDNAMES !== undefined && names.length !== count) {
    throw new CmsgError(
      "ERR_CMSG_LISTEN_FDS",
      `LISTEN_FDS says ${count} descriptors, LISTEN_FDNAMES has ${names.length} names: expected one for each.`,
    );
  }
  if (taken) {
    throw new CmsgError(
      "ERR_CMSG_LISTEN_FDS",
      "The descriptors of LISTEN_FDS were taken by an earlier call. Call listenFds() once and hand on what it gave.",
    );
  }
  // Before there is a list of them: the count may be any number.
  for (let index = 0; index < count; index++) requireOpen(LISTEN_FDS_START + index, count);
  taken = true;
  if (unsetEnvironment) unset();
  return Array.from({ length: count }, (_, index) => ({
    name: names[index] ?? UNNAMED,
    // What peers sent to such a socket is closed with it.
    fd: new OwnedFd(LISTEN_FDS_START + index, { untrusted: true }),
  }));
}

function unset(): void {
  for (const name of VARIABLES) delete process.env[name];
}

function requireOwnPidfdId(text: string): void {
  // 64 bits: more than a number holds.
  if (!/^\d{1,20}$/.test(text)) throw malformed("LISTEN_PIDFDID", text);
  const own = ownPidfdId();
  if (own === undefined || own === BigInt(text)) return;
  throw new CmsgError(
    "ERR_CMSG_LISTEN_FDS",
    `LISTEN_PIDFDID says that the sockets are for the process whose pidfd has the number ${text}; this one's has ` +
      `${own}. An earlier process had this pid, and its environment was handed on: start this one without LISTEN_FDS.`,
  );
}

function wholeNumber(name: string, text: string): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw malformed(name, text);
}

function malformed(name: string, text: string): CmsgError {
  return new CmsgError(
    "ERR_CMSG_LISTEN_FDS",
    `Expected ${name} to be a whole number from 1 on; it is ${JSON.stringify(text)}. The service manager sets it: do ` +
      "not set it by hand.",
  );
}

function requireOpen(number: number, count: number): void {
  try {
    native.getStatusFlags(number);
  } catch (cause) {
    throw new CmsgError(
      "ERR_CMSG_LISTEN_FDS",
      `LISTEN_FDS says ${count} descriptors from ${LISTEN_FDS_START} on, but ${number} is not open. Something between ` +
        "the service manager and this process closed it.",
      { cause },
    );
  }
}
