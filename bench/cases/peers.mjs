// The words in which the cases are written: programs, and targets.
import { fileURLToPath } from "node:url";

const peer = (path) => fileURLToPath(new URL(`../peers/${path}`, import.meta.url));
const list = (args) => (typeof args === "function" ? args : () => args);

// A program: what builds it (`build`), what it needs, and its arguments, which may depend on the case's size.
export const c = (name, args) => ({ needs: ["gcc"], build: { gcc: [peer(`c/${name}.c`)] }, args: list(args) });
export const go = (name, args) => ({ needs: ["go"], build: { go: [peer(`go/${name}.go`)] }, args: list(args) });
export const python = (name, args) => ({
  needs: ["python3"],
  argv: ["python3", peer(`python/${name}.py`)],
  args: list(args),
});
export const js = (name, args, npm = []) => ({
  needs: npm.map((dependency) => `npm:${dependency}`),
  argv: [process.execPath, "--expose-gc", peer(`js/${name}`)],
  args: list(args),
});

/** A program that the machine has or has not, as an argument of another. */
export const built = (program) => ({ program });

// `of`: "ratio" is ours / theirs, the median over the pairs; "ours" is our own figure, whatever the peer's is.
export const atMost = (value) => ({ bound: "at most", value, of: "ratio" });
export const atLeast = (value) => ({ bound: "at least", value, of: "ratio" });
export const oursAtMost = (value) => ({ bound: "at most", value, of: "ours" });
