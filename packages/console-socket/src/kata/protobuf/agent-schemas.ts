// The tables of the agent's messages. Where Kata 1.x and later differ, each has its own: a field that only the other knows
// is refused.
import type {
  AgentDetails,
  ContainerRequest,
  CreateContainerRequest,
  CreateSandboxRequest,
  Device,
  ExecProcessRequest,
  GuestDetailsRequest,
  GuestDetailsResponse,
  HealthCheckResponse,
  ProcessRequest,
  ReadStreamRequest,
  ReadStreamResponse,
  RemoveContainerRequest,
  SignalProcessRequest,
  Storage,
  StringUser,
  TtyWinResizeRequest,
  VersionCheckResponse,
  WaitProcessResponse,
  WriteStreamRequest,
  WriteStreamResponse,
} from "./agent-messages.js";
import type { Schema, Tables } from "./message.js";
import { processSchema, specSchema, specSchema1 } from "./oci-spec.js";

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
    oci: [6, specSchema1, "always"],
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
