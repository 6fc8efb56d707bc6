// The published package where it does not work: one sentence that says what to do. And nothing in it that npm compiles.
// (The tarballs themselves are installed and run by scripts/verify/shipping.mjs.)
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
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
  t.match(
    await importing(t, directory, system("platform", "darwin")),
    /is for Linux, and this is darwin: run it on Linux, in a /,
  );
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

/** A binary that no dynamic loader takes, where a build in place or the published package has it. */
function broken(t: Test, place: string): string {
  const directory = bare(t);
  mkdirSync(join(directory, place), { recursive: true });
  writeFileSync(join(directory, place, "cmsg.node"), "not one");
  return directory;
}

const published = `prebuilds/linux-${process.arch}-glibc`;
const onMusl = "process.report.getReport = () => ({ header: {} })";

t.test("a binary that cannot be loaded: which, and why", async (t) => {
  for (const place of ["build/Release", published]) {
    const directory = broken(t, place);
    const path = `${directory}/${place}/cmsg.node`;
    const expected = `NativeLoadError ERR_CMSG_NATIVE cmsg-native found ${path} and could not load it: ${path}: `;
    t.match(await importing(t, directory), expected, `${place}, also where musl's loader is installed beside glibc's`);
  }
});

t.test("musl: the published binary is not for it, and how to build one that is", async (t) => {
  const directory = broken(t, published);
  const message = await importing(t, directory, onMusl);
  t.match(message, `cmsg-native's addon in ${directory}/${published}/cmsg.node is for glibc, and this is musl: `);
  t.match(message, /build it by `npm install .* && node node_modules\/cmsg-native\/source\/scripts\/build\.mjs`\.$/);
  // One that was built there is for musl: that it does not load has another reason.
  t.match(await importing(t, broken(t, "source/build/Release"), onMusl), /found .* and could not load it: /);
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

t.test("every entry point is packed with its types, and loads by import and by require", async (t) => {
  for (const folder of ["native", "packages/cmsg", "packages/console-socket", "packages/init"]) {
    const cwd = join(repository, folder);
    const { name, exports } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8")) as {
      name: string;
      exports: Record<string, string | { types: string; default: string }>;
    };
    const { stdout } = await run(t, "npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd });
    const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
    const files = packed?.files.map(({ path }) => `./${path}`) ?? [];
    for (const [path, targets] of Object.entries(exports)) {
      if (typeof targets === "string") continue;
      for (const target of Object.values(targets)) t.ok(files.includes(target), `${name}: ${target}`);
      const entry = createRequire(join(cwd, "package.json")).resolve(`./${targets.default}`);
      const imported = Object.keys(await import(entry)).filter((key) => key !== "default");
      const required = Object.keys(createRequire(import.meta.url)(entry)).filter(
        (key) => !/^(default|__esModule)$/.test(key),
      );
      t.strictSame(required.sort(), imported.sort(), `${name} ${path}`);
    }
  }
});
