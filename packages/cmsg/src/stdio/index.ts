// Standard streams that one process lends to another.

export { BorrowedStdio, borrow, type LendOptions, lend, type StdioOptions, takeOver } from "./stdio.js";
