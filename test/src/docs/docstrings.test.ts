// The examples of the exported functions' docstrings (lines of a comment that are indented by four) compile against the
// declarations of the packages. What an example leaves out is imported here, or declared in CONTEXT.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { fixtureBuild, repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";

/** What examples use without saying where they have it from. */
const CONTEXT: Readonly<Record<string, string>> = {
  socket: 'import("cmsg").UnixSocket',
  message: 'import("cmsg").Message',
  stream: 'import("cmsg").UnixStream',
  terminal: 'import("console-socket").PtyConsole',
  client: 'import("console-socket/kata").AgentClient',
  pid: "number",
  rows: "Uint8Array",
  report: "(text: string) => void",
  safeText: "(text: string) => string",
};

const FOLDERS = { cmsg: "cmsg", "console-socket": "console-socket", "console-init": "init" };
const BUILTINS = {
  "node:child_process": ["spawn"],
  "node:events": ["once"],
  "node:fs": ["closeSync", "openSync", "readFileSync", "readSync", "writeSync"],
};

interface Example {
  /** packages/…, with the line at which it begins. */
  place: string;
  code: string;
}

function examplesOf(path: string): Example[] {
  const lines = readFileSync(join(repository, path), "utf8").split("\n");
  const examples: Example[] = [];
  let latest: Example | undefined;
  for (const [index, line] of lines.entries()) {
    const code = line.match(/^ *\* {5}(.*)$/)?.[1];
    if (code === undefined) latest = undefined;
    else if (latest) latest.code += `${code}\n`;
    else {
      latest = { place: `${path}:${index + 1}`, code: `${code}\n` };
      examples.push(latest);
    }
  }
  return examples;
}

/** Every entry point's exported names that have a value. */
async function entryPoints(): Promise<Map<string, string[]>> {
  const entries = Object.entries(FOLDERS).flatMap(([name, folder]) => {
    const text = readFileSync(join(repository, "packages", folder, "package.json"), "utf8");
    const { exports } = JSON.parse(text) as { exports: Record<string, unknown> };
    const paths = Object.keys(exports).filter((path) => path !== "./package.json");
    return paths.map((path) => join(name, path));
  });
  const names = entries.map(async (name) => [name, Object.keys(await import(name))] as const);
  return new Map([...(await Promise.all(names)), ...Object.entries(BUILTINS)]);
}

function moduleOf({ code }: Example, exported: ReadonlyMap<string, string[]>): string {
  const statements = code.replace(/\/\/ .*$/gm, "");
  const uses = (name: string): boolean => new RegExp(`(?<![.\\w"'])${name}\\b`).test(statements);
  const defines = (name: string): boolean =>
    new RegExp(`\\b(?:const|using|let) (?:[[{][^=]*)?${name}\\b`).test(statements);
  const missing = (name: string): boolean => uses(name) && !defines(name);
  const seen = new Set(["default"]);
  const imports = [...exported].flatMap(([name, names]) => {
    const wanted = names.filter((one) => !seen.has(one) && missing(one));
    for (const one of wanted) seen.add(one);
    return wanted.length > 0 ? `import { ${wanted.join(", ")} } from "${name}";` : [];
  });
  const declared = Object.entries(CONTEXT).filter(([name]) => missing(name));
  return [...imports, ...declared.map(([name, type]) => `declare const ${name}: ${type};`), "export {};", code].join(
    "\n",
  );
}

t.test("the examples of docstrings compile", async (t) => {
  const sources = Object.values(FOLDERS).flatMap((folder) => {
    const root = join("packages", folder, "src");
    const files = readdirSync(join(repository, root), { recursive: true, encoding: "utf8" });
    return files.filter((file) => file.endsWith(".ts")).map((file) => join(root, file));
  });
  const examples = sources.flatMap(examplesOf);
  t.ok(examples.length > 20, "they were found");
  const exported = await entryPoints();
  // Beside the tests, where the packages' names lead to the packages.
  const directory = join(fixtureBuild, `docstrings-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const [index, example] of examples.entries())
    writeFileSync(join(directory, `${index}.mts`), moduleOf(example, exported));
  // Without what coverage has in NODE_OPTIONS, which the compiler does not load with.
  const [command, ...plain] = plainNode;
  const compiler = join(repository, "node_modules/typescript/bin/tsc");
  const options = { noEmit: true, composite: false, noImplicitReturns: false, isolatedDeclarations: false };
  const config = { extends: join(repository, "tsconfig.base.json"), compilerOptions: options, include: ["*.mts"] };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config));
  const { status, stdout, stderr } = await run(t, command, [...plain, compiler, "-p", directory]);
  const places = stdout.replace(/^.*?(\d+)\.mts\([\d,]+\)/gm, (_, index) => `${examples[Number(index)]?.place}`);
  t.equal(status, 0, `${places}${stderr}`);
});
