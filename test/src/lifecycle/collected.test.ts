// What is closed can be collected: a native object that held its callback, and through it its owner, would keep both.
import t from "tap";
import { nodeProgram } from "../support/node-program.js";
import { run } from "../support/processes.js";

t.test("a closed socket, server, stream and console are garbage", async (t) => {
  const { stdout, stderr } = await run(t, ...nodeProgram("lifecycle/collect-closed", [], ["--expose-gc"]));
  t.equal(stdout.trim(), "[]", stderr);
});

t.test(
  "a socket that is forgotten is garbage too, unless somebody waits on it, and its descriptor is reported",
  async (t) => {
    const program = nodeProgram("lifecycle/collect-forgotten-sockets", [], ["--expose-gc"]);
    const { stdout, stderr } = await run(t, ...program, { env: { ...process.env, NODE_DEBUG: "cmsg" } });
    t.equal(stdout, "false false true\nthere\n", stderr);
    t.equal(stderr.match(/UnixSocket\.pair/g)?.length, 2, stderr);
  },
);
