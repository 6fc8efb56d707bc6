// fixtures/go/agent as another process, and what it says of the calls that came; needs("kata-go").
import { join } from "node:path";
import type { Test } from "tap";
import { goProgram } from "./go-program.js";
import { type Program, start } from "./processes.js";
import { tempDir } from "./temp-dir.js";
import { until } from "./until.js";

export type AgentProtocol = "grpc" | "yamux" | "ttrpc";

export interface AgentEvent {
  call?: string;
  traceparent?: string;
  deadline?: boolean;
  cancelled?: string;
  /** What a client must not do. */
  wrong?: string;
  hostname?: number;
}

export class GoAgent {
  readonly path: string;
  readonly program: Program;

  constructor(path: string, program: Program) {
    this.path = path;
    this.program = program;
  }

  get events(): AgentEvent[] {
    const whole = this.program.stdout.slice(0, this.program.stdout.lastIndexOf("\n") + 1);
    return whole
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** The first event that fits, also one that has yet to come. */
  async event(fits: (event: AgentEvent) => boolean): Promise<AgentEvent> {
    const what = () => `an event, with these there: ${this.program.stdout.slice(-2000)}`;
    return until(() => this.events.find(fits), { what });
  }
}

export async function startGoAgent(t: Test, protocol: AgentProtocol): Promise<GoAgent> {
  const path = join(tempDir(t), "a");
  const program = start(t, await goProgram(t, "agent"), [protocol, path]);
  await program.output(/listening/);
  return new GoAgent(path, program);
}
