// The programs that are made to be PID 1, each started with the same command. console-init alone has a terminal to send:
// a witness takes it.
import type { Test } from "tap";
import type { Requirement } from "../support/requirements.js";
import { consoleInit, hostTerminal, receiver, toTheEnd } from "./receiver.js";

export interface Init {
  name: string;
  needs: Requirement[];
  /** Its command line up to the command; `extra` are the options that a case needs, where it has them. */
  argv(t: Test, extra: Extra[]): Promise<string[]>;
}

type Extra = "group" | "subreaper" | "pdeathsig";

/** What each calls it; an init that has no such option does without. */
const peer = (name: Requirement, flags: Partial<Record<Extra, string[]>>): Init => ({
  name,
  needs: [name],
  argv: async (_t, extra) => [name, ...extra.flatMap((what) => flags[what] ?? []), "--"],
});

export const ours: Init = {
  name: "console-init",
  needs: ["python3"],
  argv: async (t, extra) => {
    const { socket } = await receiver(t, [toTheEnd]);
    const flags = { group: "--group", subreaper: "--subreaper", pdeathsig: "--pdeathsig=TERM" };
    const options = extra.map((what) => flags[what]);
    return [consoleInit, ...hostTerminal, "--console-socket", socket, "--init", ...options, "--"];
  },
};

export const inits: Init[] = [
  ours,
  peer("tini", { group: ["-g"], subreaper: ["-s"], pdeathsig: ["-p", "SIGTERM"] }),
  peer("catatonit", { group: ["-g"] }),
  peer("dumb-init", {}),
];
