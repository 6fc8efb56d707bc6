import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** A DIR with DIR/include/node for exactly this node: nvm, setup-node, docker, NodeSource and the tarballs have it beside bin/. */
export function headersOfThisNode() {
  if (process.env.npm_config_nodedir) return process.env.npm_config_nodedir;
  const prefix = resolve(process.execPath, "../..");
  const header = join(prefix, "include/node/node_version.h");
  if (!existsSync(header)) return undefined;
  const text = readFileSync(header, "utf8");
  const number = (name) => text.match(new RegExp(`#define NODE_${name}_VERSION (\\d+)`))?.[1];
  const version = `${number("MAJOR")}.${number("MINOR")}.${number("PATCH")}`;
  return version === process.versions.node ? prefix : undefined;
}
