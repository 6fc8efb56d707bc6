// The published package where it does not work: one sentence that says what to do. And nothing in it that npm compiles.
// (The tarballs themselves are installed and run by scripts/verify/shipping.mjs.)
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t, { type Test } from "tap";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { tempDir } from "../support/temp-dir.js";

const [command, ...options] = plainNode;

/** A package without binaries: the loader, alone. */
function bare(t: Test): string {
  const directory = tempDir(t);
  cpSync(join(repository, "native/dist"), join(directory, "dist"), { recursive: true });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  return directory;
}

/** What importing it says, on a system that `pretend` describes. */
async function importing(t: Test, directory: string, pretend = ""): Promise<string> {
  const url = pathToFileURL(join(directory, "dist/native.js")).href;
  const script = `${pretend}; import(${JSON.stringify(url)}).catch((e) => console.log(e.name, e.code, e.message));`;
  const { stdout, stderr } = await run(t, command, [...options, "-e", script]);
  t.equal(stderr, "");
  return stdout.trim();
}

const versions = (more: string) =>
  `Object.defineProperty(process, "versions", { value: { ...process.versions, ${more} } })`;
const system = (name: string, value: string) => `Object.defineProperty(process, "${name}", { value: "${value}" })`;

t.test("Bun, Deno, other systems: refused before native code runs", async (t) => {
  const directory = bare(t);
  t.match(
    await importing(t, directory, versions('bun: "1.3.0"')),
    /^NativeLoadError ERR_CMSG_NATIVE .*Bun 1\.3\.0: run it with Node/,
  );
  t.match(await importing(t, directory, versions('deno: "2.5.0"')), /^NativeLoadError ERR_CMSG_NATIVE .*Deno 2\.5\.0/);
  t.match(await importing(t, directory, system("platform", "darwin")), /is for Linux, and this is darwin\.$/);
});

t.test("no binary for this machine: the error names all that was tried, and how to build one", async (t) => {
  const directory = bare(t);
  const message = await importing(t, directory, system("arch", "riscv64"));
  t.match(message, /^NativeLoadError ERR_CMSG_NATIVE cmsg-native has no cmsg\.node for linux riscv64/);
  for (const place of ["build/Release", "source/build/Release", "prebuilds/linux-riscv64-glibc"]) {
    t.match(message, `${directory}/${place}/cmsg.node`);
  }
  t.match(message, /source\/scripts\/build\.mjs/);
});

t.test("a binary that cannot be loaded: which, and why", async (t) => {
  const directory = bare(t);
  mkdirSync(join(directory, "build/Release"), { recursive: true });
  writeFileSync(join(directory, "build/Release/cmsg.node"), "not one");
  t.match(
    await importing(t, directory),
    new RegExp(`${directory}/build/Release/cmsg\\.node.*(could not load it|musl)`),
  );
});

t.test("what is packed has no binding.gyp in its root and no script that runs at install", async (t) => {
  for (const folder of ["native", "packages/cmsg", "packages/console-socket", "packages/init"]) {
    const cwd = join(repository, folder);
    const { stdout } = await run(t, "npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd });
    const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
    const files = packed?.files.map(({ path }) => path) ?? [];
    t.ok(files.includes("package.json"));
    t.notOk(files.includes("binding.gyp"));
    const { scripts = {} } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")) as { scripts?: object };
    t.strictSame(
      Object.keys(scripts).filter((name) => /install/.test(name)),
      [],
    );
  }
});
