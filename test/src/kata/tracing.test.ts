// What stands between a call and the connection: interceptors, and OpenTelemetry's context on its way to the agent.
import { AsyncLocalStorage } from "node:async_hooks";
import * as otel from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { type AgentCall, connectAgent, otelInterceptor } from "console-socket/kata";
import t from "tap";
import { type AgentProtocol, startGoAgent } from "../support/go-agent.js";
import { Received } from "../support/played-agent.js";
import { needs } from "../support/requirements.js";
import { streamPair } from "../support/unix-streams.js";

/** The contexts of Node's asynchronous calls, as OpenTelemetry's own manager for Node keeps them. */
class Contexts implements otel.ContextManager {
  readonly #storage = new AsyncLocalStorage<otel.Context>();

  active(): otel.Context {
    return this.#storage.getStore() ?? otel.ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: otel.Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(context, () => fn.apply(thisArg, args));
  }

  bind<T>(context: otel.Context, target: T): T {
    return typeof target === "function"
      ? (((...args: unknown[]) => this.with(context, () => target(...args))) as T)
      : target;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}

const SPAN = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 };

t.before(() => {
  otel.context.setGlobalContextManager(new Contexts());
  otel.propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});

t.teardown(() => otel.context.disable());

for (const protocol of ["grpc", "yamux", "ttrpc"] as AgentProtocol[]) {
  t.test(`${protocol}: the caller's span arrives at the agent`, { skip: needs("kata-go") }, async (t) => {
    const agent = await startGoAgent(t, protocol);
    const client = await connectAgent(agent.path, {
      protocol: protocol === "ttrpc" ? "ttrpc" : "grpc",
      yamux: protocol === "yamux",
      interceptors: [otelInterceptor(otel)],
    });
    const context = otel.trace.setSpanContext(otel.context.active(), SPAN);
    await otel.context.with(context, async () => {
      await client.health.check();
      await client.health.version({ metadata: { other: "kept" } });
    });
    await client.agent.createSandbox({});
    const traceparent = `00-${SPAN.traceId}-${SPAN.spanId}-01`;
    t.match(await agent.event(({ call }) => call === "Check"), { traceparent });
    t.match(await agent.event(({ call }) => call === "Version"), { traceparent });
    t.match(await agent.event(({ call }) => call === "CreateSandbox"), { traceparent: "" }, "no span, nothing is sent");
    await client.close();
  });
}

t.test(
  "interceptors: the first is the outermost; each sees call and answer, and may change or refuse them",
  async (t) => {
    const [stream, other] = streamPair(t);
    const received = new Received(other);
    const seen: string[] = [];
    const log = (name: string) => async (call: AgentCall, next: (call: AgentCall) => Promise<object>) => {
      seen.push(`${name} ${call.service}/${call.method} ${JSON.stringify(call.request)} ${call.options.timeoutMs}`);
      const answer = await next({ ...call, options: { ...call.options, timeoutMs: 1000 } });
      seen.push(`${name} ${JSON.stringify(answer)}`);
      return { ...answer, by: name };
    };
    const refuse = new Error("not that one");
    const client = await connectAgent(stream, {
      protocol: "ttrpc",
      interceptors: [
        log("outer"),
        log("inner"),
        async (call, next) => {
          if (call.method === "DestroySandbox") throw refuse;
          return call.method === "Version" ? { grpcVersion: "1", agentVersion: "2" } : next(call);
        },
      ],
    });
    t.strictSame(await client.health.version(), { grpcVersion: "1", agentVersion: "2", by: "outer" });
    t.strictSame(seen, [
      "outer grpc.Health/Version {} undefined",
      "inner grpc.Health/Version {} 1000",
      'inner {"grpcVersion":"1","agentVersion":"2"}',
      'outer {"grpcVersion":"1","agentVersion":"2","by":"inner"}',
    ]);
    await t.rejects(client.agent.destroySandbox(), refuse);
    t.equal(received.bytes.length, 0, "neither was sent");
    await client.close();
  },
);
