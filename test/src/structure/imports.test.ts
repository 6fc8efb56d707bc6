// The import graph of the packages: rooms (the folders of src/, and the files beside them) import one way only.
//
// A new room is a line in ROOMS, at the place where its imports put it. Type imports count as imports.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import t from "tap";
import { repository } from "../support/paths.js";

/** Each package's rooms: a file imports from its own room and from those before it. index.ts stands above all. */
const ROOMS = {
  cmsg: [
    "errors.ts",
    "diagnostics.ts",
    "options.ts",
    "fd",
    "address",
    "message",
    "socket",
    "stream",
    "create",
    "process",
    "stdio",
    "systemd",
    "vsock",
    "index.ts",
  ],
  "console-socket": [
    ...["errors.ts", "diagnostics.ts", "options.ts", "deadline.ts"],
    ...["process", "console", "receive", "launch", "attach", "record", "node-pty", "index.ts"],
    ...["kata", "cli"],
  ],
  init: [
    ...["errors.ts", "options.ts", "window-size.ts", "console-init-path.ts", "sandbox.ts", "pty.ts"],
    ...[
      "send-console.ts",
      "setup-console.ts",
      "held-process.ts",
      "start-descriptors.ts",
      "spawn-console.ts",
      "index.ts",
      "testing",
    ],
  ],
} as const;

/** What the root entry point of a package must not load, however indirectly. */
const APART = {
  cmsg: ["create", "process", "stdio", "systemd", "vsock"],
  "console-socket": ["kata", "cli"],
  init: ["testing"],
} as const;

/** Which of the workspace's packages a package may import. */
const DEPENDENCIES = {
  cmsg: ["cmsg-native"],
  "console-socket": [
    "cmsg",
    "cmsg/process",
    "cmsg/vsock",
    "cmsg-native",
    "cmsg-native/brand",
    "cmsg-native/keeper-protocol",
    "cmsg-native/start-process",
  ],
  init: ["cmsg", "cmsg/create", "cmsg/process", "cmsg-native", "cmsg-native/start-process"],
} as const;

type Package = keyof typeof ROOMS;
/** A file's path below src/, and what it imports: other files, and packages by name. */
type Graph = Map<string, { files: string[]; packages: string[] }>;

// Static imports and exports, and import() with a literal.
const IMPORT = /(?:\bfrom |^import |\bimport\()"([^"]+)"/gm;

function graphOf(name: Package): Graph {
  const source = join(repository, "packages", name, "src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
  return new Map(files.map((file) => [file, importsOf(source, file)]));
}

function importsOf(source: string, file: string): { files: string[]; packages: string[] } {
  const text = readFileSync(join(source, file), "utf8");
  const specifiers = [...text.matchAll(IMPORT)].map((match) => match[1] as string);
  return {
    files: specifiers
      .filter((specifier) => specifier.startsWith("."))
      .map((specifier) => normalize(join(dirname(file), specifier)).replace(/\.js$/, ".ts")),
    packages: specifiers.filter((specifier) => !specifier.startsWith(".") && !specifier.startsWith("node:")),
  };
}

function roomOf(file: string): string {
  return file.split("/")[0] as string;
}

/** All files that loading `entry` can load. */
function reachableFrom(graph: Graph, entry: string): Set<string> {
  const reached = new Set([entry]);
  for (const file of reached) for (const next of graph.get(file)?.files ?? []) reached.add(next);
  return reached;
}

for (const name of Object.keys(ROOMS) as Package[]) {
  const graph = graphOf(name);
  const rooms: readonly string[] = ROOMS[name];

  t.test(`${name}: every file is in a room that is listed, and every listed room exists`, async (t) => {
    const present = new Set([...graph.keys()].map(roomOf));
    t.same([...present].sort(), [...rooms].sort());
  });

  t.test(`${name}: a file imports from its own room and from those before it`, async (t) => {
    const position = (file: string) => rooms.indexOf(roomOf(file));
    const upwards = [...graph].flatMap(([file, { files }]) =>
      files.filter((target) => position(target) > position(file)).map((target) => `${file} imports ${target}`),
    );
    t.same(upwards, []);
    t.ok(
      [...graph.values()].some(({ files }) => files.length > 0),
      "the imports were found",
    );
  });

  t.test(`${name}: no file imports itself through others`, async (t) => {
    const circles = [...graph].filter(([file, { files }]) =>
      files.some((next) => reachableFrom(graph, next).has(file)),
    );
    t.same(
      circles.map(([file]) => file),
      [],
    );
  });

  t.test(`${name}: the root entry point loads no other entry point`, async (t) => {
    const apart: readonly string[] = APART[name];
    const loaded = [...reachableFrom(graph, "index.ts")];
    t.same(
      loaded.filter((file) => apart.includes(roomOf(file))),
      [],
    );
    t.ok(loaded.length > 1, "it loads something");
  });

  t.test(`${name}: packages of the workspace are imported one way`, async (t) => {
    const allowed: readonly string[] = DEPENDENCIES[name];
    const imported = new Set([...graph.values()].flatMap(({ packages }) => packages));
    t.same(
      [...imported].filter((specifier) => !allowed.includes(specifier)),
      [],
    );
  });
}
