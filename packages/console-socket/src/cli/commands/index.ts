// The commands, in the order of the help. The first is the one that is meant where none is named.
import type { Command } from "../command.js";
import { kata } from "./kata.js";
import { receive } from "./receive.js";
import { run } from "./run.js";

export const commands: readonly [Command, ...Command[]] = [receive, run, kata];
