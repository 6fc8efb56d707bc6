// The calls of Kata's agent, typed: grpc.AgentService and grpc.Health.
import type {
  ContainerRequest,
  CreateContainerRequest,
  CreateSandboxRequest,
  ExecProcessRequest,
  GuestDetailsRequest,
  GuestDetailsResponse,
  HealthCheckResponse,
  ProcessRequest,
  ReadStreamRequest,
  ReadStreamResponse,
  RemoveContainerRequest,
  SignalProcessRequest,
  TtyWinResizeRequest,
  VersionCheckResponse,
  WaitProcessResponse,
  WriteStreamRequest,
  WriteStreamResponse,
} from "../protobuf/agent-messages.js";
import { type GenerationRequests, REQUESTS, RESPONSES } from "../protobuf/agent-schemas.js";
import type { Schema, Tables } from "../protobuf/message.js";
import type { CallOptions } from "../rpc/transport.js";

/** One call of `service`: encodes, calls, decodes. */
export type Caller = <Response extends object>(
  method: string,
  schemas: { request: Tables; response: Schema<Response> },
  request: object,
  options: CallOptions | undefined,
) => Promise<Response>;

/**
 * grpc.AgentService. Every call may reject with RpcError (ERR_CONSOLE_RPC), ERR_CONSOLE_RPC_PROTOCOL, ERR_CONSOLE_CLOSED,
 * ERR_CONSOLE_INVALID_ARG (a field that this agent does not have, or of another type), and the signal's reason.
 */
export class AgentService {
  readonly #call: Caller;
  readonly #requests: GenerationRequests;

  /** @internal Use `connectAgent()`. */
  constructor(call: Caller, requests: GenerationRequests) {
    this.#call = call;
    this.#requests = requests;
  }

  createSandbox(request: CreateSandboxRequest, options?: CallOptions): Promise<void> {
    return this.#order("CreateSandbox", this.#requests.createSandbox, request, options);
  }

  destroySandbox(options?: CallOptions): Promise<void> {
    return this.#order("DestroySandbox", REQUESTS.empty, {}, options);
  }

  createContainer(request: CreateContainerRequest, options?: CallOptions): Promise<void> {
    return this.#order("CreateContainer", this.#requests.createContainer, request, options);
  }

  startContainer(request: ContainerRequest, options?: CallOptions): Promise<void> {
    return this.#order("StartContainer", REQUESTS.container, request, options);
  }

  removeContainer(request: RemoveContainerRequest, options?: CallOptions): Promise<void> {
    return this.#order("RemoveContainer", REQUESTS.removeContainer, request, options);
  }

  execProcess(request: ExecProcessRequest, options?: CallOptions): Promise<void> {
    return this.#order("ExecProcess", this.#requests.execProcess, request, options);
  }

  signalProcess(request: SignalProcessRequest, options?: CallOptions): Promise<void> {
    return this.#order("SignalProcess", REQUESTS.signalProcess, request, options);
  }

  /** Resolves when the process has ended. The agent forgets it then, and with it the output that nobody has read. */
  waitProcess(request: ProcessRequest, options?: CallOptions): Promise<WaitProcessResponse> {
    const schemas = { request: REQUESTS.process, response: RESPONSES.waitProcess };
    return this.#call("WaitProcess", schemas, request, options);
  }

  /** Beware of empty `data`: on 2.x and later it closes the input, and drops the terminal. */
  writeStdin(request: WriteStreamRequest, options?: CallOptions): Promise<WriteStreamResponse> {
    const schemas = { request: REQUESTS.writeStream, response: RESPONSES.writeStream };
    return this.#call("WriteStdin", schemas, request, options);
  }

  readStdout(request: ReadStreamRequest, options?: CallOptions): Promise<ReadStreamResponse> {
    return this.#call("ReadStdout", { request: REQUESTS.readStream, response: RESPONSES.readStream }, request, options);
  }

  readStderr(request: ReadStreamRequest, options?: CallOptions): Promise<ReadStreamResponse> {
    return this.#call("ReadStderr", { request: REQUESTS.readStream, response: RESPONSES.readStream }, request, options);
  }

  closeStdin(request: ProcessRequest, options?: CallOptions): Promise<void> {
    return this.#order("CloseStdin", REQUESTS.process, request, options);
  }

  ttyWinResize(request: TtyWinResizeRequest, options?: CallOptions): Promise<void> {
    return this.#order("TtyWinResize", REQUESTS.ttyWinResize, request, options);
  }

  getGuestDetails(request: GuestDetailsRequest, options?: CallOptions): Promise<GuestDetailsResponse> {
    const schemas = { request: REQUESTS.guestDetails, response: RESPONSES.guestDetails };
    return this.#call("GetGuestDetails", schemas, request, options);
  }

  /** A call that is answered with an empty message. */
  async #order(method: string, request: Tables, message: object, options: CallOptions | undefined): Promise<void> {
    await this.#call(method, { request, response: RESPONSES.empty }, message, options);
  }
}

/** grpc.Health, which is not grpc.health.v1. */
export class HealthService {
  readonly #call: Caller;

  /** @internal Use `connectAgent()`. */
  constructor(call: Caller) {
    this.#call = call;
  }

  check(options?: CallOptions): Promise<HealthCheckResponse> {
    return this.#call("Check", { request: REQUESTS.check, response: RESPONSES.health }, {}, options);
  }

  version(options?: CallOptions): Promise<VersionCheckResponse> {
    return this.#call("Version", { request: REQUESTS.check, response: RESPONSES.version }, {}, options);
  }
}
