// Says in one sentence each what this machine lacks before anything is compiled: without it the first sign of a
// missing compiler is a page of build log, and of an old Node a syntax error. No dependencies, and no syntax newer
// than Node 14: this file must run where nothing else here does.
import { spawnSync } from "node:child_process";

const MIN_NODE = [20, 19, 0];
const missing = [];

function older(version, than) {
  for (let i = 0; i < than.length; i++) {
    if (version[i] !== than[i]) return version[i] < than[i];
  }
  return false;
}

function runs(command, args) {
  const result = spawnSync(command, args, { stdio: "ignore" });
  return !result.error && result.status === 0;
}

function need(found, sentence) {
  if (!found) missing.push(sentence);
}

if (process.platform !== "linux") {
  // The rest would only distract: nothing here works elsewhere.
  missing.push(
    `this system is ${process.platform}, and consoles, fd passing and containers here are Linux's: run it on Linux (a virtual machine or a container with Linux will do)`,
  );
} else {
  const min = MIN_NODE.join(".");
  need(
    !older(
      process.versions.node.split(".").map((part) => parseInt(part, 10)),
      MIN_NODE,
    ),
    `Node ${min} or newer is needed and this is ${process.versions.node}: install a current Node (nodejs.org, nvm, or your distribution)`,
  );
  need(
    runs(process.env.npm_config_python || process.env.PYTHON || "python3", ["--version"]),
    "python3 is missing, which node-gyp runs on: install it (Debian: apt-get install python3)",
  );
  need(runs("make", ["--version"]), "make is missing: install it (Debian: apt-get install make)");
  const cxx = (process.env.CXX || "g++").trim().split(/\s+/); // CXX may hold a launcher and flags: "ccache g++"
  need(
    runs(cxx[0], cxx.slice(1).concat("--version")),
    process.env.CXX
      ? `CXX is ${JSON.stringify(process.env.CXX)}, which does not run: install it, or unset CXX to use g++`
      : "g++ is missing, the C++ compiler: install it (Debian: apt-get install g++), or name another in CXX",
  );
}

for (const sentence of missing) console.error(`preflight: ${sentence}`);
if (missing.length > 0) process.exit(1);
