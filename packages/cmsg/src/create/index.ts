// Descriptors that are made to be passed on, and that Node.js cannot make: pipes, memory, counters.
export { type EventfdOptions, eventfd } from "./eventfd.js";
export { addSeals, type MemfdOptions, memfd, type Seal } from "./memfd.js";
export { type PipeOptions, pipe } from "./pipe.js";
