// Every form of an agent's address, and every refusal with its code and the beginning of its message.
import { type AgentAddress, type AgentDialect, parseAgentAddress } from "console-socket/kata";
import t from "tap";

const unix = (path: string): AgentAddress => ({ scheme: "unix", path });
const vsock = (cid: number, port: number): AgentAddress => ({ scheme: "vsock", cid, port });
const hvsock = (path: string, port: number): AgentAddress => ({ scheme: "hvsock", path, port });
const remote = (path: string): AgentAddress => ({ scheme: "remote", path });
const mock = (path: string): AgentAddress => ({ scheme: "mock", path });

type Vectors = [text: string, wanted: AgentAddress | string][];

const longest = `/run/${"a".repeat(200)}`;

const go1: Vectors = [
  ["/run/p", unix("/run/p")],
  ["//run/p", unix("//run/p")],
  ["/run/a b", unix("/run/a b")],
  ["/run/a:1024", unix("/run/a:1024")],
  [longest, unix(longest)],
  ["unix:///run/p", unix("/run/p")],
  ["unix:/run/p", unix("/run/p")],
  ["UNIX:///run/p", unix("/run/p")],
  ["unix:////run/p", unix("//run/p")],
  ["unix:///run/p:1024", unix("/run/p:1024")],
  ["unix:///run/\u00e9", unix("/run/\u00e9")],
  ["vsock://3:1024", vsock(3, 1024)],
  ["vsock://0:0", vsock(0, 0)],
  ["vsock://4294967295:4294967295", vsock(4294967295, 4294967295)],
  ["vsock://003:01024", vsock(3, 1024)],
  ["VSOCK://3:1024", vsock(3, 1024)],
  ["hvsock:///run/kata.hvsock:1024", hvsock("/run/kata.hvsock", 1024)],
  ["hvsock:/run/kata.hvsock:1024", hvsock("/run/kata.hvsock", 1024)],
  ["hvsock:///run/kata.hvsock:0", hvsock("/run/kata.hvsock", 0)],
  ["hvsock:///run/kata.hvsock:4294967295", hvsock("/run/kata.hvsock", 4294967295)],
  ["remote:///run/peerpod/hypervisor.sock", remote("/run/peerpod/hypervisor.sock")],
  ["remote:/run/p", remote("/run/p")],
  ["mock:///tmp/m", mock("/tmp/m")],

  ["", "Invalid scheme:"],
  ["http://localhost/", "Invalid scheme:"],
  ["tcp:1024", "Invalid scheme:"],
  ["vsocks://3:1024", "Invalid scheme:"],
  ["localhost:1024", "Invalid scheme:"],

  ["a.sock", "Invalid unix scheme:"],
  ["./a.sock", "Invalid unix scheme:"],
  [" /run/p", "Invalid unix scheme:"],
  ["3:1024", "Invalid unix scheme:"],
  ["://3:1024", "Invalid unix scheme:"],
  ["unix:", "Invalid unix scheme:"],
  ["unix://", "Invalid unix scheme:"],
  ["unix:///", "Invalid unix scheme:"],
  ["unix://a.sock", "Invalid unix scheme:"],
  ["unix://tmp/a", "Invalid unix scheme:"],
  ["unix:a.sock", "Invalid unix scheme:"],
  ["unix://host:1024/run/p", "Invalid unix scheme:"],
  ["unix:///run/p?x=1", "Invalid unix scheme:"],
  ["unix:///run/p#x", "Invalid unix scheme:"],
  ["unix:///run/a%20b", "Invalid unix scheme:"],
  ["/run/a%20b", "Invalid unix scheme:"],
  ["/run/p/", "Invalid unix scheme:"],
  ["/run/p\n", "Invalid unix scheme:"],
  ["/run/p\0q", "Invalid unix scheme:"],

  ["vsock:", "Invalid vsock scheme:"],
  ["vsock://", "Invalid vsock scheme:"],
  ["vsock://3", "Invalid vsock scheme:"],
  ["vsock://3:", "Invalid vsock scheme:"],
  ["vsock://:1024", "Invalid vsock scheme:"],
  ["vsock:3:1024", "Invalid vsock scheme:"],
  ["vsock:/3:1024", "Invalid vsock scheme:"],
  ["vsock://3:1024/", "Invalid vsock scheme:"],
  ["vsock://3:1024/p", "Invalid vsock scheme:"],
  ["vsock://3:1024?x", "Invalid vsock scheme:"],
  ["vsock://x:1024", "Invalid vsock cid:"],
  ["vsock://-1:1024", "Invalid vsock cid:"],
  ["vsock://+3:1024", "Invalid vsock cid:"],
  ["vsock://0x3:1024", "Invalid vsock cid:"],
  ["vsock://1e3:1024", "Invalid vsock cid:"],
  ["vsock://4294967296:1024", "Invalid vsock cid:"],
  ["vsock://user@3:1024", "Invalid vsock cid:"],
  ["vsock://[3]:1024", "Invalid vsock cid:"],
  ["vsock://1:2:3", "Invalid vsock cid:"],
  ["vsock:// 3:1024", "Invalid vsock cid:"],
  ["vsock://3:x", "Invalid vsock port:"],
  ["vsock://3:-1", "Invalid vsock port:"],
  ["vsock://3:4294967296", "Invalid vsock port:"],
  ["vsock://3:1024\n", "Invalid vsock port:"],
  ["vsock://3:\u0661", "Invalid vsock port:"],

  ["hvsock:", "Invalid hybrid vsock scheme:"],
  ["hvsock://", "Invalid hybrid vsock scheme:"],
  ["hvsock:///run/h", "Invalid hybrid vsock scheme:"],
  ["hvsock:///run/h:1:2", "Invalid hybrid vsock scheme:"],
  ["hvsock:///run/a:b/h:1024", "Invalid hybrid vsock scheme:"],
  ["hvsock://host/run/h:1024", "Invalid hybrid vsock scheme:"],
  ["hvsock://run/h:1024", "Invalid hybrid vsock scheme:"],
  ["hvsock:run/h:1024", "Invalid hybrid vsock scheme:"],
  ["hvsock:///:1024", "Invalid hybrid vsock scheme:"],
  ["hvsock:///run/h:1024?x", "Invalid hybrid vsock scheme:"],
  ["hvsock:///run/h:", "Invalid hybrid vsock port:"],
  ["hvsock:///run/h:x", "Invalid hybrid vsock port:"],
  ["hvsock:///run/h:4294967296", "Invalid hybrid vsock port:"],

  ["remote://", "Invalid remote sock scheme:"],
  ["remote://host/run/p", "Invalid remote sock scheme:"],
  ["mock://host/tmp/m", "Invalid mock hybrid vsock scheme:"],
];

const go2: Vectors = [
  ["vsock://3:1024", vsock(3, 1024)],
  ["hvsock:///run/h:1024", hvsock("/run/h", 1024)],
  ["remote:///run/p", remote("/run/p")],
  ["mock:///tmp/m", mock("/tmp/m")],
  ["/run/p", "Invalid scheme:"],
  ["unix:///run/p", "Invalid scheme:"],
  ["a.sock", "Invalid scheme:"],
  ["", "Invalid scheme:"],
];

const rust: Vectors = [
  ["vsock://3", vsock(3, 1024)],
  ["hvsock:///run/h", hvsock("/run/h", 1024)],
  ["remote:///run/p", remote("/run/p")],
  ["vsock://3:1024", "Invalid vsock scheme:"],
  ["vsock://x", "Invalid vsock cid:"],
  ["hvsock:///run/h:1024", "Invalid hybrid vsock scheme:"],
  ["unix:///run/p", "Invalid scheme:"],
  ["mock:///tmp/m", "Invalid scheme:"],
  ["/run/p", "Invalid scheme:"],
];

for (const [dialect, vectors] of Object.entries({ go1, go2, rust }) as [AgentDialect, Vectors][]) {
  t.test(`parseAgentAddress [${dialect}]`, async (t) => {
    for (const [text, wanted] of vectors) {
      const name = JSON.stringify(text.slice(0, 40));
      if (typeof wanted !== "string") t.strictSame(parseAgentAddress(text, { dialect }), wanted, name);
      else {
        t.throws(
          () => parseAgentAddress(text, { dialect }),
          { code: "ERR_CONSOLE_ADDRESS", message: new RegExp(`^${wanted} ${quoted(JSON.stringify(text))}: .+\\.$`) },
          `${name} is refused`,
        );
      }
    }
  });
}

t.test("parseAgentAddress [rust, a port] puts the port that is apart into the address", async (t) => {
  t.strictSame(parseAgentAddress("vsock://3", { dialect: "rust", port: 1026 }), vsock(3, 1026));
  t.strictSame(parseAgentAddress("hvsock:///run/h", { dialect: "rust", port: 1026 }), hvsock("/run/h", 1026));
});

t.test("parseAgentAddress [arguments of another type] says what was expected", async (t) => {
  const wrong = { code: "ERR_CONSOLE_INVALID_ARG" };
  t.throws(() => parseAgentAddress(3 as never), wrong);
  t.throws(() => parseAgentAddress("/run/p", { dialect: "go3" as never }), wrong);
  t.throws(() => parseAgentAddress("vsock://3", { dialect: "rust", port: -1 }), wrong);
});

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
