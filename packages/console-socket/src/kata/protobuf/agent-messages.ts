// The messages of grpc.AgentService and grpc.Health that are used here. Kata 1.x speaks gRPC, 2.x and later ttRPC; a field
// that only one of them knows says so.
import type { Process, Spec } from "./oci-spec.js";

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
  /** `linux` is sent also where it is missing here, and to Kata 1.x `linux.resources` too: its agent needs them. */
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
  /** Maximum number of bytes to read. */
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
