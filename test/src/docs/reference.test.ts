// What documents list is what the code has, and the other way round: error codes, exports, options, links.
import { EventEmitter } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { Duplex } from "node:stream";
import * as cmsg from "cmsg";
import * as cmsgCreate from "cmsg/create";
import * as cmsgProcess from "cmsg/process";
import * as cmsgStdio from "cmsg/stdio";
import * as cmsgSystemd from "cmsg/systemd";
import * as cmsgVsock from "cmsg/vsock";
import * as consoleInit from "console-init";
import * as consoleSocket from "console-socket";
import * as consoleSocketKata from "console-socket/kata";
import t, { type Test } from "tap";
import { consoleSocketCommand, repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { Document, documents } from "./documents.js";

const packages = [
  { folder: "packages/cmsg", module: cmsg, codes: Object.keys(cmsg.CMSG_ERROR_CODES) },
  { folder: "packages/console-socket", module: consoleSocket, codes: Object.keys(consoleSocket.CONSOLE_ERROR_CODES) },
  {
    folder: "packages/init",
    module: consoleInit,
    codes: [...Object.keys(consoleInit.INIT_ERROR_CODES), "ERR_CMSG_NATIVE"],
  },
];

// What is imported by a path below a package's name has a section of its own there.
const subpaths = [
  { folder: "packages/cmsg", heading: "## cmsg/create", index: "dist/create/index.d.ts", module: cmsgCreate },
  { folder: "packages/cmsg", heading: "## cmsg/process", index: "dist/process/index.d.ts", module: cmsgProcess },
  { folder: "packages/cmsg", heading: "## cmsg/stdio", index: "dist/stdio/index.d.ts", module: cmsgStdio },
  { folder: "packages/cmsg", heading: "## cmsg/systemd", index: "dist/systemd/index.d.ts", module: cmsgSystemd },
  { folder: "packages/cmsg", heading: "## cmsg/vsock", index: "dist/vsock/index.d.ts", module: cmsgVsock },
  {
    folder: "packages/console-socket",
    heading: "## console-socket/kata",
    index: "dist/kata/index.d.ts",
    module: consoleSocketKata,
  },
];

/** Every name that a package exports, types too: from its declarations. */
function exportsOf(folder: string, file = "dist/index.d.ts"): string[] {
  const index = readFileSync(join(repository, folder, file), "utf8");
  const lists = [...index.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([, names = ""]) => names.split(","));
  const own = [...index.matchAll(/export (?:declare (?:abstract )?\w+|interface) (\w+)/g)].map(([, name = ""]) => name);
  return [...lists.map((name) => name.trim().replace(/^type /, "")), ...own].filter(Boolean).sort();
}

/** The declarations of all files of a package. */
function declarations(folder: string): string {
  const dist = join(repository, folder, "dist");
  const files = readdirSync(dist, { encoding: "utf8", recursive: true }).filter((name) => name.endsWith(".d.ts"));
  return files.map((name) => readFileSync(join(dist, name), "utf8")).join("\n");
}

type Class = { prototype: object } & object;

function isClass(value: unknown): value is Class {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

/** What classes are made from that is not these packages': its members are documented elsewhere. */
const foreign: unknown[] = [Duplex.prototype, EventEmitter.prototype, Object.prototype];

/** The public methods and accessors of a class, also those it inherits; streams' hooks (_read …) are not public. */
function membersOf(type: Class): string[] {
  const names = new Set(Object.getOwnPropertyNames(type));
  for (let from = type.prototype; !foreign.includes(from); from = Object.getPrototypeOf(from))
    for (const name of Object.getOwnPropertyNames(from)) names.add(name);
  const inherent = ["constructor", "length", "name", "prototype"];
  return [...names].filter((name) => !inherent.includes(name) && !name.startsWith("_")).sort();
}

/** The API table: exported names in order, each with the members (`.name`) in the rows behind it. */
function apiTable(readme: Document, heading = "## API"): Map<string, string[]> {
  const table = new Map<string, string[]>();
  let latest: string[] = [];
  for (const span of readme.firstColumn(heading).flat()) {
    const name = span.match(/\w+/)?.[0] ?? "";
    if (span.startsWith(".")) latest.push(name);
    else {
      latest = [];
      table.set(name, latest);
    }
  }
  return table;
}

for (const { folder, module, codes } of packages) {
  t.test(`${folder}/README.md`, async (t) => {
    const readme = new Document(`${folder}/README.md`);

    t.test("its table of error codes is the exported one", async (t) => {
      t.strictSame(readme.firstColumn("## Errors").flat().sort(), codes.sort());
    });

    t.test("its API table has every exported name, and no other", async (t) => {
      const exported = exportsOf(folder);
      const values = Object.keys(module);
      t.strictSame(
        values.filter((name) => !exported.includes(name)),
        [],
        "the declarations were read completely",
      );
      t.strictSame([...apiTable(readme).keys()].sort(), exported);
    });

    t.test("its API table has every method of the classes, and no other", async (t) => {
      const types = declarations(folder);
      for (const [name, listed] of apiTable(readme)) {
        const value = (module as Record<string, unknown>)[name];
        if (!isClass(value) || value.prototype instanceof Error) continue;
        const members = membersOf(value);
        const isField = (member: string) => new RegExp(`readonly ${member}\\b`).test(types);
        // Marked @internal: not in the declarations.
        const isInternal = (member: string) =>
          !new RegExp(`^ +(?:(?:static|get|abstract|readonly) )*${member}\\b`, "m").test(types);
        const isProtected = (member: string) => new RegExp(`protected (?:\\w+ )*${member}\\b`).test(types);
        t.strictSame(
          members.filter(
            (member) =>
              !listed.includes(member) && !isProtected(member) && !isInternal(member) && !(member in Duplex.prototype),
          ),
          [],
          `${name} is complete`,
        );
        t.strictSame(
          listed.filter((member) => !members.includes(member) && !isField(member)),
          [],
          `${name} has what is listed`,
        );
      }
    });
  });
}

for (const { folder, heading, index, module } of subpaths) {
  t.test(`${folder}/README.md, ${heading}: its table has every exported name, and no other`, async (t) => {
    const exported = exportsOf(folder, index);
    t.strictSame(
      Object.keys(module).filter((name) => !exported.includes(name)),
      [],
      "the declarations were read completely",
    );
    t.strictSame([...apiTable(new Document(`${folder}/README.md`), heading).keys()].sort(), exported);
  });
}

const OPTION = /(?<![\w-])--?[A-Za-z][\w-]*/g;

/** The options in the lines of a help text that begin with one. */
async function optionsInHelp(t: Test, command: readonly [string, ...string[]]): Promise<string[]> {
  const { status, stdout } = await run(t, command[0], [...command.slice(1), "--help"]);
  t.equal(status, 0);
  const heads = stdout.split("\n").map((line) => line.match(/^ +(-.*?)(?: {2}|$)/)?.[1] ?? "");
  return heads.flatMap((head) => head.match(OPTION) ?? []).sort();
}

function optionsInTable(document: Document, heading: string): string[] {
  return document
    .firstColumn(heading)
    .flat()
    .flatMap((span) => span.match(OPTION) ?? [])
    .sort();
}

t.test("console-socket --help has the options of its README", async (t) => {
  const command = [...plainNode, consoleSocketCommand] as const;
  const listed = optionsInTable(new Document("packages/console-socket/README.md"), "## The command");
  t.ok(listed.length > 0);
  t.strictSame(await optionsInHelp(t, command as unknown as [string, ...string[]]), listed);
});

t.test("console-init --help has the options of its manual", async (t) => {
  const listed = optionsInTable(new Document("docs/console-init.md"), "## Options");
  t.ok(listed.length > 0);
  t.strictSame(await optionsInHelp(t, [consoleInit.consoleInitPath()]), listed);
});

t.test("links between documents lead somewhere", async (t) => {
  for (const document of documents()) {
    const dead = document.links.filter((link) => !/^https?:/.test(link) && !isThere(document, link));
    t.strictSame(dead, [], document.path);
  }
});

t.test("paths in documents are there", async (t) => {
  const places = /`((?:test|native|packages|scripts|bench|docs|examples)\/[\w./-]+)`/g;
  const made = /\/(?:dist|build|prebuilds)\/|compile_commands/;
  for (const document of documents()) {
    const paths = document.prose.flatMap((line) => [...line.matchAll(places)].map(([, path = ""]) => path));
    const gone = paths.filter(
      (path) => !made.test(path) && !isThere(document, path) && !existsSync(join(repository, path)),
    );
    t.strictSame(gone, [], document.path);
  }
});

t.test("CONTRIBUTING's questions name tests that are there", async (t) => {
  const rows = new Document("CONTRIBUTING.md")
    .section("## What could go wrong if")
    .filter((line) => line.startsWith("| "));
  const named = rows.flatMap((row) => [...(row.split(" | ")[2] ?? "").matchAll(/`([\w-]+\/[\w-]+)`/g)]);
  t.ok(named.length >= 8, "each question has one");
  for (const [, name = ""] of named) t.ok(existsSync(join(repository, `test/src/${name}.test.ts`)), name);
});

t.test("every document of docs/ is linked from the README, or from the README of its folder", async (t) => {
  const linkedFrom = (path: string) =>
    new Document(path).links.map((link) => normalize(join(dirname(path), link.split("#")[0] ?? "")));
  const front = linkedFrom("README.md");
  const pages = readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name));
  const isLinked = (page: string) => {
    const index = join(dirname(page), "README.md");
    return front.includes(page) || (pages.includes(index) && linkedFrom(index).includes(page));
  };
  t.ok(pages.length > 10);
  t.strictSame(
    pages.filter((page) => !isLinked(page)),
    [],
  );
});

function isThere(document: Document, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? document.path : normalize(join(dirname(document.path), path));
  if (!existsSync(join(repository, target))) return false;
  return anchor === undefined || new Document(target).anchors.includes(anchor);
}
