// From an agent's address to its calls: dial, yamux if it is spoken, gRPC or ttRPC.
import { Duplex } from "node:stream";
import { ConsoleSocketError } from "../../errors.js";
import { checks, checkTimeout } from "../../options.js";
import type { AgentAddress } from "../address/agent-address.js";
import { connectedStream } from "../dial/connected-stream.js";
import { dial } from "../dial/dial.js";
import { REQUESTS_1, REQUESTS_2 } from "../protobuf/agent-schemas.js";
import { decode, encode } from "../protobuf/message.js";
import { GrpcTransport } from "../rpc/grpc/grpc-transport.js";
import { checkCallOptions, type Transport, unary } from "../rpc/transport.js";
import { TtrpcTransport } from "../rpc/ttrpc/ttrpc-transport.js";
import { YamuxStream } from "../rpc/yamux/yamux-stream.js";
import { AgentService, type Caller, HealthService } from "./agent-service.js";
import type { AgentCall, Interceptor } from "./interceptors.js";

export interface AgentClientOptions {
  /** `'grpc'` for Kata 1.x, `'ttrpc'` for 2.x and later. */
  protocol: "grpc" | "ttrpc";
  /** Whether gRPC is multiplexed over yamux, as 1.x does on a serial port. */
  yamux?: boolean | undefined;
  /** Ends the connecting; afterwards it is of no use. */
  signal?: AbortSignal | undefined;
  /** How long to go on dialling, or to wait for a stream that is connecting: as `timeoutMs` of `dial`. */
  timeoutMs?: number | undefined;
  interceptors?: readonly Interceptor[] | undefined;
}

/** An agent's client. It keeps the process alive until it is closed. */
export class AgentClient implements AsyncDisposable {
  readonly agent: AgentService;
  readonly health: HealthService;
  readonly protocol: "grpc" | "ttrpc";
  readonly #transport: Transport;

  /** @internal Use `connectAgent()`. */
  constructor(transport: Transport, protocol: "grpc" | "ttrpc", interceptors: readonly Interceptor[]) {
    this.#transport = transport;
    this.protocol = protocol;
    const caller = (service: string): Caller => callerOf(transport, service, interceptors);
    this.agent = new AgentService(caller("grpc.AgentService"), protocol === "grpc" ? REQUESTS_1 : REQUESTS_2);
    this.health = new HealthService(caller("grpc.Health"));
  }

  /** Closes the connection: resolves when it is closed. Calls that wait for their answer reject with ERR_CONSOLE_CLOSED. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Connects to an agent. Whether it serves says `health.check()`.
 *
 * @param address an address, as `parseAgentAddress` takes it, or a stream that is connected or connecting (`net.Socket`),
 * which is taken, and destroyed when it is not connected in time
 * @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG (ttRPC over yamux, no protocol), and a stream stays the caller's;
 * what `dial` throws; a stream's own error
 */
export async function connectAgent(
  address: string | AgentAddress | Duplex,
  { protocol, yamux = false, signal, timeoutMs, interceptors = [] }: AgentClientOptions,
): Promise<AgentClient> {
  if ((protocol !== "grpc" && protocol !== "ttrpc") || (yamux && protocol === "ttrpc")) {
    throw new ConsoleSocketError(
      "ERR_CONSOLE_INVALID_ARG",
      `protocol is 'grpc' (Kata 1.x), with yamux or without, or 'ttrpc' (2.x and later); this is ` +
        `${JSON.stringify(protocol)}${yamux ? " with yamux" : ""}.`,
    );
  }
  checks.abortSignal(signal);
  checkTimeout("timeoutMs", timeoutMs);
  if (!Array.isArray(interceptors)) throw checks.refusal("interceptors", "an array of functions", interceptors);
  for (const [index, interceptor] of interceptors.entries())
    if (typeof interceptor !== "function") throw checks.refusal(`interceptors[${index}]`, "a function", interceptor);
  const limits = { signal, timeoutMs };
  const connection = await (address instanceof Duplex ? connectedStream(address, limits) : dial(address, limits));
  const stream = yamux ? new YamuxStream(connection) : connection;
  const transport = protocol === "grpc" ? new GrpcTransport(stream) : new TtrpcTransport(stream);
  return new AgentClient(transport, protocol, interceptors);
}

function callerOf(transport: Transport, service: string, interceptors: readonly Interceptor[]): Caller {
  return async (method, schemas, request, options = {}) => {
    const send = async (call: AgentCall): Promise<object> => {
      checkCallOptions(call.options);
      const { metadata = {}, signal } = call.options;
      const timeoutMs = call.options.timeoutMs === Number.POSITIVE_INFINITY ? undefined : call.options.timeoutMs;
      const message = encode(schemas.request, call.request);
      const answer = await unary(transport, { service, method, message, metadata, timeoutMs }, signal);
      return decode(schemas.response, answer);
    };
    const next = interceptors.reduceRight<typeof send>(
      (inner, interceptor) => async (call) => interceptor(call, inner),
      send,
    );
    return (await next({ service, method, request, options })) as never;
  };
}
