// Where an agent listens, as Kata Containers writes it. The forms and the beginnings of the messages are those of its Go
// client; what that client silently turns into another address is refused here, with the reason.
import { ConsoleSocketError } from "../../errors.js";
import { checks } from "../../options.js";

/** An agent's address, by how it is reached. */
export type AgentAddress =
  /** A Unix socket: the proxy of Kata 1.x, or any bridge. */
  | { readonly scheme: "unix"; readonly path: string }
  /** AF_VSOCK, vsock(7): QEMU's guests. */
  | { readonly scheme: "vsock"; readonly cid: number; readonly port: number }
  /** The Unix socket of a hypervisor that takes `CONNECT <port>`: Firecracker, Cloud Hypervisor, Dragonball. */
  | { readonly scheme: "hvsock"; readonly path: string; readonly port: number }
  /** The Unix socket of a hypervisor elsewhere (peer pods). */
  | { readonly scheme: "remote"; readonly path: string }
  /** A Unix socket that plays a hypervisor's in Kata's own tests. */
  | { readonly scheme: "mock"; readonly path: string };

/** Whose way of writing: the Go runtime's of 1.x, that of 2.x and later, or the Rust runtime's. */
export type AgentDialect = "go1" | "go2" | "rust";

export interface AgentAddressOptions {
  /**
   * `'go1'` (default) takes every form; `'go2'` takes no Unix socket; `'rust'` has the port apart (`vsock://3`,
   * `hvsock:///path`), as `port` says.
   */
  dialect?: AgentDialect | undefined;
  /** The port of an address that has none, in the Rust dialect: 0 to 4294967295 (default 1024, which is the agent's). */
  port?: number | undefined;
}

/** Where the agent listens for calls. */
export const AGENT_PORT = 1024;

const MAX_U32 = 0xffff_ffff;

const FORMS: Record<AgentDialect, string> = {
  go1: "PATH, unix://PATH, vsock://CID:PORT, hvsock://PATH:PORT or remote://PATH",
  go2: "vsock://CID:PORT, hvsock://PATH:PORT or remote://PATH",
  rust: "vsock://CID, hvsock://PATH or remote://PATH",
};

/**
 * Parses an agent's address. Paths are absolute and taken as they are written.
 *
 * @throws ConsoleSocketError ERR_CONSOLE_ADDRESS, whose message begins as the Go client's (`Invalid scheme:`, `Invalid
 * vsock cid:` …); ERR_CONSOLE_INVALID_ARG: no such dialect, or a port that is none.
 */
export function parseAgentAddress(
  text: string,
  { dialect = "go1", port = AGENT_PORT }: AgentAddressOptions = {},
): AgentAddress {
  checks.string("address", text);
  checks.oneOf("dialect", dialect, ["go1", "go2", "rust"]);
  checks.u32("port", port);
  const [, scheme, rest] = text.match(/^([a-z][a-z0-9+.-]*):(.*)$/is) ?? [];
  const name = scheme?.toLowerCase() ?? (text === "" ? "" : "unix");
  const address = { text, rest: rest ?? text, dialect, port };
  if (name === "unix" && dialect === "go1") return { scheme: name, path: pathOf(address, "unix scheme") };
  if (name === "vsock") return vsock(address);
  if (name === "hvsock") return hybrid(address);
  if (name === "remote") return { scheme: name, path: pathOf(address, "remote sock scheme") };
  if (name === "mock" && dialect !== "rust") return { scheme: name, path: pathOf(address, "mock hybrid vsock scheme") };
  throw invalid("scheme", text, `expected ${FORMS[dialect]}`);
}

/** As it is written for the Go runtimes; `parseAgentAddress` gives the same address again. */
export function agentAddressText(address: AgentAddress): string {
  if (address.scheme === "vsock") return `vsock://${address.cid}:${address.port}`;
  return `${address.scheme}://${address.path}${address.scheme === "hvsock" ? `:${address.port}` : ""}`;
}

interface Parts {
  text: string;
  /** What stands behind the scheme and its colon. */
  rest: string;
  dialect: AgentDialect;
  port: number;
}

function vsock({ text, rest, dialect, port }: Parts): AgentAddress {
  const form = dialect === "rust" ? "vsock://CID, with the port apart" : "vsock://CID:PORT";
  const [, host] = rest.match(/^\/\/([^/?#]+)$/) ?? [];
  const colon = host?.lastIndexOf(":") ?? -1;
  if (dialect === "rust") {
    if (host === undefined || colon !== -1) throw invalid("vsock scheme", text, `expected ${form}`);
    return { scheme: "vsock", cid: u32(host, "vsock cid", text), port };
  }
  if (host === undefined || colon < 1 || colon === host.length - 1)
    throw invalid("vsock scheme", text, `expected ${form}`);
  const cid = u32(host.slice(0, colon), "vsock cid", text);
  return { scheme: "vsock", cid, port: u32(host.slice(colon + 1), "vsock port", text) };
}

function hybrid(address: Parts): AgentAddress {
  const { text, dialect } = address;
  const path = pathOf(address, "hybrid vsock scheme");
  const [socket = "", port, ...more] = path.split(":");
  const apart = dialect === "rust";
  if (apart ? port !== undefined : port === undefined || more.length > 0) {
    const form = apart ? "hvsock://PATH, with the port apart" : "hvsock://PATH:PORT, and no other colon";
    throw invalid("hybrid vsock scheme", text, `expected ${form}`);
  }
  if (socket.endsWith("/")) throw namesNoSocket("hybrid vsock scheme", text);
  return {
    scheme: "hvsock",
    path: socket,
    port: apart ? address.port : u32(port as string, "hybrid vsock port", text),
  };
}

/** The path of `///path`, `/path`, and of a bare one; `what` is for the message. */
function pathOf({ text, rest }: Parts, what: string): string {
  const bare = rest === text;
  const path = rest.startsWith("//") && !bare ? rest.slice(2) : rest;
  // url.Parse of Go decodes the first, and cuts at the others; the socket's name would be another.
  const mangled = path.match(/[%?#]/)?.[0];
  if (mangled) throw invalid(what, text, `${JSON.stringify(mangled)} in it would be taken for a part of a URL`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
  if (/[\0-\x1f\x7f]/.test(path)) throw invalid(what, text, "there is a control character in it");
  if (path === "") throw invalid(what, text, "the path is missing");
  if (!path.startsWith("/")) {
    const host = path.split("/")[0];
    const reason =
      bare || !rest.startsWith("//")
        ? "the path is relative; an absolute one is expected"
        : `${JSON.stringify(host)} stands where a host would; an absolute path has a third slash`;
    throw invalid(what, text, reason);
  }
  if (path.endsWith("/")) throw namesNoSocket(what, text);
  return path;
}

// As strconv.ParseUint(text, 10, 32): digits and nothing else.
function u32(digits: string, what: string, text: string): number {
  const value = /^[0-9]+$/.test(digits) ? Number(digits) : Number.NaN;
  if (value <= MAX_U32) return value;
  throw invalid(what, text, `${JSON.stringify(digits)} is no decimal number from 0 to ${MAX_U32}`);
}

function namesNoSocket(what: string, text: string): ConsoleSocketError {
  return invalid(what, text, "the path ends with a slash, so it names no socket");
}

function invalid(what: string, text: string, reason: string): ConsoleSocketError {
  return new ConsoleSocketError("ERR_CONSOLE_ADDRESS", `Invalid ${what}: ${JSON.stringify(text)}: ${reason}.`);
}
