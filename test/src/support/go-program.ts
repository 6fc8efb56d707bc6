// Fixtures in Go, with runc's own code, or the libraries of Kata's agent, as the other end. Built on demand into test/build
// and kept until a source changes.
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { fixture, fixtureBuild } from "./paths.js";
import { run } from "./processes.js";

/** The path of the program built from fixtures/go/`name`; needs("runc-go"), or "kata-go". */
export async function goProgram(t: Test, name: string): Promise<string> {
  const source = fixture(`go/${name}`);
  const binary = join(fixtureBuild, name);
  const newest = Math.max(...readdirSync(source).map((file) => statSync(join(source, file)).mtimeMs));
  if ((statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0) > newest) return binary;
  mkdirSync(fixtureBuild, { recursive: true });
  // Test files run side by side: each builds under its own name, and the rename is atomic.
  const own = `${binary}.${process.pid}`;
  const { status, stderr } = await run(t, "go", ["build", "-o", own, "."], {
    cwd: source,
    env: {
      PATH: process.env["PATH"],
      // Debian packages Go libraries as a GOPATH: no module, no network.
      GO111MODULE: "off",
      GOPATH: "/usr/share/gocode",
      GOCACHE: join(fixtureBuild, "go-cache"),
      GOFLAGS: "",
      CGO_ENABLED: "0",
    },
  });
  if (status !== 0) {
    rmSync(own, { force: true });
    throw new Error(`go build of ${name}: ${stderr}`);
  }
  renameSync(own, binary);
  return binary;
}
