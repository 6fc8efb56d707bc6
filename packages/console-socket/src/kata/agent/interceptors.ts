// What stands between a call and the connection: tracing, logging, deadlines of one's own.

import type { CallOptions } from "../rpc/transport.js";

/** A call on its way out. */
export interface AgentCall {
  /** "grpc.AgentService" or "grpc.Health". */
  readonly service: string;
  readonly method: string;
  readonly request: object;
  readonly options: CallOptions;
}

/** Passes a call on with `next`, changed or not, and its answer back. The first of several is the outermost. */
export type Interceptor = (call: AgentCall, next: (call: AgentCall) => Promise<object>) => Promise<object>;

/** The part of the package @opentelemetry/api that is needed. */
export interface OpenTelemetryApi {
  readonly context: { active(): unknown };
  // Not `unknown` for the context: the parameters of the package's own method are narrower.
  readonly propagation: { inject(context: never, carrier: Record<string, string>): void };
}

/**
 * Sends the caller's active context along, so that the agent's span becomes a child of the caller's: whatever the
 * configured propagator writes (for W3C's, traceparent and tracestate).
 *
 * @param api the module @opentelemetry/api, version 1
 */
export function otelInterceptor(api: OpenTelemetryApi): Interceptor {
  return (call, next) => {
    const metadata: Record<string, string> = { ...call.options.metadata };
    api.propagation.inject(api.context.active() as never, metadata);
    return next({ ...call, options: { ...call.options, metadata } });
  };
}
