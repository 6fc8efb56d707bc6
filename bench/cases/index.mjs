import { consoles } from "./consoles.mjs";
import { descriptors } from "./descriptors.mjs";
import { keepers } from "./keeper.mjs";
import { starting } from "./starting.mjs";

export const cases = [...descriptors, ...consoles, ...keepers, ...starting];
