// The kinds of records between console-monitor and the library, as native/monitor/protocol.h has them. A test compares
// the numbers of both files.

/** Kinds of records that the monitor sends. */
export const ToLibrary = { started: 1, notStarted: 2, output: 3, child: 4, runtimeEnded: 5, ended: 6 } as const;

/** Kinds of records that the monitor receives. */
export const ToMonitor = { signal: 1, hold: 2 } as const;
