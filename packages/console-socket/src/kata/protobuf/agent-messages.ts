// The messages of grpc.AgentService and grpc.Health that are used here. Kata 1.x speaks gRPC, 2.x and later ttRPC; where
// their messages differ, each has a table, and a field that only the other knows is refused.
import type { Schema, Tables } from "./message.js";
import { type Process, processSchema, type Spec, specSchema } from "./oci-spec.js";

/** Users as text, where the guest is to look them up. */
export interface StringUser {
  uid?: string;
  gid?: string;
  additionalGids?: string[];
}

export interface Storage {
  driver?: string;
  driverOptions?: string[];
  source?: string;
  fstype?: string;
  options?: string[];
  mountPoint?: string;
  /** 2.x and later. */
  shared?: boolean;
}

export interface Device {
  id?: string;
  type?: string;
  vmPath?: string;
  containerPath?: string;
  options?: string[];
}

export interface CreateSandboxRequest {
  hostname?: string;
  dns?: string[];
  storages?: Storage[];
  sandboxPidns?: boolean;
  sandboxId?: string;
  guestHookPath?: string;
}

export interface ContainerRequest {
  containerId: string;
}

export interface CreateContainerRequest extends ContainerRequest {
  /** What the first process is called in the other calls: the container's id, as a rule. */
  execId: string;
  stringUser?: StringUser;
  devices?: Device[];
  storages?: Storage[];
  oci?: Spec;
  sandboxPidns?: boolean;
  /** 1.x. */
  agentPidns?: boolean;
  /** 2.x and later, as the other two. */
  stdinPort?: number;
  stdoutPort?: number;
  stderrPort?: number;
}

export interface RemoveContainerRequest extends ContainerRequest {
  /** In seconds. */
  timeout?: number;
}

export interface ProcessRequest extends ContainerRequest {
  execId: string;
}

export interface ExecProcessRequest extends ProcessRequest {
  stringUser?: StringUser;
  process: Process;
  /** 2.x and later, as the other two. */
  stdinPort?: number;
  stdoutPort?: number;
  stderrPort?: number;
}

export interface SignalProcessRequest extends ProcessRequest {
  /** Its number, signal(7). */
  signal: number;
}

export interface WriteStreamRequest extends ProcessRequest {
  data: Uint8Array;
}

export interface ReadStreamRequest extends ProcessRequest {
  /** The most to read, in bytes. */
  len: number;
}

export interface TtyWinResizeRequest extends ProcessRequest {
  row: number;
  column: number;
}

export interface GuestDetailsRequest {
  memBlockSize?: boolean;
  memHotplugProbe?: boolean;
}

export interface VersionCheckResponse {
  grpcVersion: string;
  agentVersion: string;
}

/** `status`: 0 unknown, 1 serving, 2 not serving. */
export interface HealthCheckResponse {
  status: number;
}

export interface WaitProcessResponse {
  status: number;
}

export interface WriteStreamResponse {
  /** How many bytes were taken. */
  len: number;
}

export interface ReadStreamResponse {
  data: Buffer;
}

export interface AgentDetails {
  version: string;
  initDaemon: boolean;
  deviceHandlers: string[];
  storageHandlers: string[];
  supportsSeccomp: boolean;
  /** Empty on 1.x. */
  extraFeatures: string[];
}

export interface GuestDetailsResponse {
  memBlockSizeBytes: bigint;
  agentDetails?: AgentDetails;
  supportMemHotplugProbe: boolean;
}

const storage1: Schema<Omit<Storage, "shared">> = {
  driver: [1, "string"],
  driverOptions: [2, "string", "repeated"],
  source: [3, "string"],
  fstype: [4, "string"],
  options: [5, "string", "repeated"],
  mountPoint: [6, "string"],
};

const storage: Schema<Storage> = { ...storage1, shared: [8, "bool"] };

const stringUser: Schema<StringUser> = {
  uid: [1, "string"],
  gid: [2, "string"],
  additionalGids: [3, "string", "repeated"],
};

const device: Schema<Device> = {
  id: [1, "string"],
  type: [2, "string"],
  vmPath: [3, "string"],
  containerPath: [4, "string"],
  options: [5, "string", "repeated"],
};

const container: Schema<ContainerRequest> = { containerId: [1, "string"] };
type Port = "stdinPort" | "stdoutPort" | "stderrPort";

const process: Schema<ProcessRequest> = { ...container, execId: [2, "string"] };

const createContainer = (storages: Tables): Schema<Omit<CreateContainerRequest, "agentPidns" | Port>> => ({
  ...process,
  stringUser: [3, stringUser],
  devices: [4, device, "repeated"],
  storages: [5, storages, "repeated"],
  oci: [6, specSchema],
  sandboxPidns: [7, "bool"],
});

const createSandbox = (storages: Tables): Schema<CreateSandboxRequest> => ({
  hostname: [1, "string"],
  dns: [2, "string", "repeated"],
  storages: [3, storages, "repeated"],
  sandboxPidns: [4, "bool"],
  sandboxId: [5, "string"],
  guestHookPath: [6, "string"],
});

const execProcess: Schema<Omit<ExecProcessRequest, Port>> = {
  ...process,
  stringUser: [3, stringUser],
  process: [4, processSchema],
};

/** Requests that both generations have. */
export const REQUESTS: {
  readonly empty: Tables;
  readonly container: Schema<ContainerRequest>;
  readonly removeContainer: Schema<RemoveContainerRequest>;
  readonly process: Schema<ProcessRequest>;
  readonly signalProcess: Schema<SignalProcessRequest>;
  readonly writeStream: Schema<WriteStreamRequest>;
  readonly readStream: Schema<ReadStreamRequest>;
  readonly ttyWinResize: Schema<TtyWinResizeRequest>;
  readonly guestDetails: Schema<GuestDetailsRequest>;
  readonly check: Schema<{ service?: string }>;
} = {
  empty: {},
  container,
  removeContainer: { ...container, timeout: [2, "uint32"] },
  process,
  signalProcess: { ...process, signal: [3, "uint32"] },
  writeStream: { ...process, data: [3, "bytes"] },
  readStream: { ...process, len: [3, "uint32"] },
  ttyWinResize: { ...process, row: [3, "uint32"], column: [4, "uint32"] },
  guestDetails: { memBlockSize: [1, "bool"], memHotplugProbe: [2, "bool"] },
  check: { service: [1, "string"] },
};

/** Requests that differ. */
export interface GenerationRequests {
  readonly createSandbox: Tables;
  readonly createContainer: Tables;
  readonly execProcess: Tables;
}

/** Of Kata 1.x. */
export const REQUESTS_1: GenerationRequests = {
  createSandbox: createSandbox(storage1),
  createContainer: {
    ...createContainer(storage1),
    agentPidns: [8, "bool"],
  },
  execProcess,
};

/** Of Kata 2.x and later. */
export const REQUESTS_2: GenerationRequests = {
  createSandbox: createSandbox(storage),
  createContainer: {
    ...createContainer(storage),
    stdinPort: [9, "uint32"],
    stdoutPort: [10, "uint32"],
    stderrPort: [11, "uint32"],
  },
  execProcess: { ...execProcess, stdinPort: [5, "uint32"], stdoutPort: [6, "uint32"], stderrPort: [7, "uint32"] },
};

const agentDetails: Schema<AgentDetails> = {
  version: [1, "string"],
  initDaemon: [2, "bool"],
  deviceHandlers: [3, "string", "repeated"],
  storageHandlers: [4, "string", "repeated"],
  supportsSeccomp: [5, "bool"],
  extraFeatures: [6, "string", "repeated"],
};

export const RESPONSES: {
  readonly empty: Schema<object>;
  readonly version: Schema<VersionCheckResponse>;
  readonly health: Schema<HealthCheckResponse>;
  readonly waitProcess: Schema<WaitProcessResponse>;
  readonly writeStream: Schema<WriteStreamResponse>;
  readonly readStream: Schema<ReadStreamResponse>;
  readonly guestDetails: Schema<GuestDetailsResponse>;
} = {
  empty: {},
  version: { grpcVersion: [1, "string"], agentVersion: [2, "string"] },
  health: { status: [1, "uint32"] },
  waitProcess: { status: [1, "int32"] },
  writeStream: { len: [1, "uint32"] },
  readStream: { data: [1, "bytes"] },
  guestDetails: {
    memBlockSizeBytes: [1, "uint64"],
    agentDetails: [2, agentDetails],
    supportMemHotplugProbe: [3, "bool"],
  },
};
