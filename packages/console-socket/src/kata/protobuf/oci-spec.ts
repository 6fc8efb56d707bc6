// What a container is, for CreateContainer and ExecProcess: the parts of OCI's config.json that are sent, under the names
// they have there (github.com/opencontainers/runtime-spec). What is missing here is refused, not left out.
import type { Schema } from "./message.js";

interface Box {
  height?: number;
  width?: number;
}

interface User {
  uid?: number;
  gid?: number;
  additionalGids?: number[];
  username?: string;
}

/** setrlimit(2); `type` is a name such as RLIMIT_NOFILE. */
interface Rlimit {
  type: string;
  hard: number | bigint;
  soft: number | bigint;
}

/** Names such as CAP_KILL, capabilities(7). */
interface Capabilities {
  bounding?: string[];
  effective?: string[];
  inheritable?: string[];
  permitted?: string[];
  ambient?: string[];
}

export interface Process {
  terminal?: boolean;
  consoleSize?: Box;
  user?: User;
  args?: string[];
  env?: string[];
  cwd?: string;
  capabilities?: Capabilities;
  rlimits?: Rlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  oomScoreAdj?: number | bigint;
  selinuxLabel?: string;
}

interface Root {
  path?: string;
  readonly?: boolean;
}

interface Mount {
  destination?: string;
  source?: string;
  type?: string;
  options?: string[];
}

interface IdMapping {
  hostID?: number;
  containerID?: number;
  size?: number;
}

interface Namespace {
  type?: string;
  path?: string;
}

/** A device node in the container; `type` is c, b, u or p. */
interface LinuxDevice {
  path: string;
  type: string;
  major?: number | bigint;
  minor?: number | bigint;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

interface LinuxDeviceCgroup {
  allow: boolean;
  type?: string;
  major?: number | bigint;
  minor?: number | bigint;
  /** Of r, w and m. */
  access?: string;
}

/** In bytes. */
interface LinuxMemory {
  limit?: number | bigint;
  reservation?: number | bigint;
  swap?: number | bigint;
}

/** `quota` and `period` are in microseconds, `cpus` and `mems` lists such as `0-3,7`. */
interface LinuxCpu {
  shares?: number | bigint;
  quota?: number | bigint;
  period?: number | bigint;
  cpus?: string;
  mems?: string;
}

/** What a control group limits. */
interface LinuxResources {
  devices?: LinuxDeviceCgroup[];
  memory?: LinuxMemory;
  cpu?: LinuxCpu;
  pids?: { limit: number | bigint };
}

interface LinuxContainer {
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  sysctl?: Record<string, string>;
  resources?: LinuxResources;
  cgroupsPath?: string;
  namespaces?: Namespace[];
  devices?: LinuxDevice[];
  rootfsPropagation?: string;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  mountLabel?: string;
}

export interface Spec {
  ociVersion?: string;
  process?: Process;
  root?: Root;
  hostname?: string;
  mounts?: Mount[];
  annotations?: Record<string, string>;
  linux?: LinuxContainer;
}

const box: Schema<Box> = { height: [1, "uint32"], width: [2, "uint32"] };

const user: Schema<User> = {
  uid: [1, "uint32"],
  gid: [2, "uint32"],
  additionalGids: [3, "uint32", "repeated"],
  username: [4, "string"],
};

const rlimit: Schema<Rlimit> = { type: [1, "string"], hard: [2, "uint64"], soft: [3, "uint64"] };

const capabilities: Schema<Capabilities> = {
  bounding: [1, "string", "repeated"],
  effective: [2, "string", "repeated"],
  inheritable: [3, "string", "repeated"],
  permitted: [4, "string", "repeated"],
  ambient: [5, "string", "repeated"],
};

export const processSchema: Schema<Process> = {
  terminal: [1, "bool"],
  consoleSize: [2, box],
  user: [3, user],
  args: [4, "string", "repeated"],
  env: [5, "string", "repeated"],
  cwd: [6, "string"],
  capabilities: [7, capabilities],
  rlimits: [8, rlimit, "repeated"],
  noNewPrivileges: [9, "bool"],
  apparmorProfile: [10, "string"],
  oomScoreAdj: [11, "int64"],
  selinuxLabel: [12, "string"],
};

const root: Schema<Root> = { path: [1, "string"], readonly: [2, "bool"] };

const mount: Schema<Mount> = {
  destination: [1, "string"],
  source: [2, "string"],
  type: [3, "string"],
  options: [4, "string", "repeated"],
};

const idMapping: Schema<IdMapping> = { hostID: [1, "uint32"], containerID: [2, "uint32"], size: [3, "uint32"] };

const namespace: Schema<Namespace> = { type: [1, "string"], path: [2, "string"] };

const device: Schema<LinuxDevice> = {
  path: [1, "string"],
  type: [2, "string"],
  major: [3, "int64"],
  minor: [4, "int64"],
  fileMode: [5, "uint32"],
  uid: [6, "uint32"],
  gid: [7, "uint32"],
};

const deviceCgroup: Schema<LinuxDeviceCgroup> = {
  allow: [1, "bool"],
  type: [2, "string"],
  major: [3, "int64"],
  minor: [4, "int64"],
  access: [5, "string"],
};

const memory: Schema<LinuxMemory> = { limit: [1, "int64"], reservation: [2, "int64"], swap: [3, "int64"] };

const cpu: Schema<LinuxCpu> = {
  shares: [1, "uint64"],
  quota: [2, "int64"],
  period: [3, "uint64"],
  cpus: [6, "string"],
  mems: [7, "string"],
};

const pids: Schema<NonNullable<LinuxResources["pids"]>> = { limit: [1, "int64"] };

const resources: Schema<LinuxResources> = {
  devices: [1, deviceCgroup, "repeated"],
  memory: [2, memory],
  cpu: [3, cpu],
  pids: [4, pids],
};

const linux: Schema<LinuxContainer> = {
  uidMappings: [1, idMapping, "repeated"],
  gidMappings: [2, idMapping, "repeated"],
  sysctl: [3, "map<string, string>"],
  resources: [4, resources],
  cgroupsPath: [5, "string"],
  namespaces: [6, namespace, "repeated"],
  devices: [7, device, "repeated"],
  rootfsPropagation: [9, "string"],
  maskedPaths: [10, "string", "repeated"],
  readonlyPaths: [11, "string", "repeated"],
  mountLabel: [12, "string"],
};

/** For Kata 2.x and later, where a specification without `linux` is an error and one without resources is not. */
export const specSchema: Schema<Spec> = {
  ociVersion: [1, "string"],
  process: [2, processSchema],
  root: [3, root],
  hostname: [4, "string"],
  mounts: [5, mount, "repeated"],
  annotations: [7, "map<string, string>"],
  linux: [8, linux, "always"],
};

/** For Kata 1.x, which dereferences spec.Linux.Resources unseen: without them its agent ends, and every container. */
export const specSchema1: Schema<Spec> = {
  ...specSchema,
  linux: [8, { ...linux, resources: [4, resources, "always"] }, "always"],
};
