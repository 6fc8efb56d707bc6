// Processes that are held by a pidfd, pidfd_open(2): a handle that never means another process.
export { type ExitStatus, exitStatus } from "./exit-status.js";
export { ProcessHandle } from "./process-handle.js";
