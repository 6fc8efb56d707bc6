// Numbers that C++ and TypeScript both write down: enums of the addon's headers and of console-keeper's protocol, and
// the kernel's constants. The compiler checks the C++ side; here the TypeScript side is compared with its source.
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { getSystemErrorMap, getSystemErrorName } from "node:util";
import * as binding from "cmsg-native";
import {
  ClosingEvent,
  ClosingKind,
  ConsoleRefusal,
  ControlSlot,
  PtyProblem,
  PtyResult,
  ReceiveOption,
  SCM_MAX_FD,
  SendOption,
  SUN_PATH_BYTES,
} from "cmsg-native";
import {
  AttachFlags,
  FromKeeper,
  FromReaper,
  KEEPER_INPUT_CREDIT,
  KEEPER_MAX_PAYLOAD,
  KEEPER_VERSION,
  RefusedBecause,
  StartFlags,
  ToKeeper,
} from "cmsg-native/keeper-protocol";
import t from "tap";
import { From, To } from "../support/keeper-client.js";

function source(path: string): string {
  return readFileSync(new URL(`../../../native/${path}`, import.meta.url), "utf8").replace(/\/\/.*$/gm, "");
}

/** The enumerators of a C++ enum, with TypeScript's names (`kNotStarted` is `notStarted`) and their numbers. */
function enumOf(path: string, name: string): Record<string, number> {
  const body = source(path).match(new RegExp(`enum (?:class )?${name}\\b[^{;]*\\{([^}]*)\\}`))?.[1];
  if (body === undefined) throw new Error(`no enum ${name} in native/${path}`);
  const numbers: Record<string, number> = {};
  let next = 0;
  for (const entry of body.split(",").map((text) => text.trim())) {
    if (entry === "") continue;
    const [, letter, rest, value] = entry.match(/^k([A-Z])(\w*)(?: = (-?\d+))?$/) ?? [];
    if (letter === undefined) throw new Error(`an enumerator of ${name} that this test cannot read: ${entry}`);
    if (value !== undefined) next = Number(value);
    numbers[`${letter.toLowerCase()}${rest}`] = next++;
  }
  return numbers;
}

function constantOf(path: string, name: string): number {
  const value = source(path).match(new RegExp(`\\b${name} = (\\d+);`))?.[1];
  if (value === undefined) throw new Error(`no ${name} in native/${path}`);
  return Number(value);
}

t.test("console-keeper's records have the same numbers in C++ and in TypeScript", async (t) => {
  t.strictSame(enumOf("keeper/protocol.h", "ToKeeper"), { ...ToKeeper });
  t.strictSame(enumOf("keeper/protocol.h", "FromKeeper"), { ...FromKeeper });
  t.strictSame(enumOf("keeper/protocol.h", "FromReaper"), { ...FromReaper });
  t.strictSame(enumOf("keeper/protocol.h", "AttachFlags"), { ...AttachFlags });
  t.strictSame(enumOf("keeper/start.h", "StartFlags"), { ...StartFlags });
  const { receiveFailed, otherUser, tooManyRefusals } = enumOf("keeper/protocol.h", "RefusedBecause");
  t.strictSame({ receiveFailed, otherUser, tooManyRefusals }, { ...RefusedBecause });
  t.equal(constantOf("keeper/protocol.h", "kVersion"), KEEPER_VERSION);
  t.equal(constantOf("keeper/protocol.h", "kMaxPayload"), KEEPER_MAX_PAYLOAD);
  t.equal(constantOf("keeper/protocol.h", "kInputCredit"), KEEPER_INPUT_CREDIT);
});

t.test("console-keeper's records have the same kinds in C++ and in the tests", async (t) => {
  t.strictSame(enumOf("keeper/protocol.h", "ToKeeper"), { ...To });
  t.strictSame(
    { ...enumOf("keeper/protocol.h", "FromKeeper"), ...enumOf("keeper/protocol.h", "FromReaper") },
    { ...From },
  );
  t.strictSame(enumOf("keeper/start.h", "StartFlags"), { ...StartFlags });
});

t.test("the addon's enums have the same numbers in TypeScript", async (t) => {
  const { none, ...problems } = enumOf("common/pty_failure.h", "PtyProblem");
  t.equal(none, 0);
  t.strictSame(problems, { ...PtyProblem });
  t.strictSame(enumOf("common/judge_console.h", "ConsoleRefusal"), { ...ConsoleRefusal });
  t.strictSame(enumOf("addon/pty_stream.h", "PtyResult"), { ...PtyResult });
  t.strictSame(enumOf("addon/closer.h", "ClosingKind"), { ...ClosingKind });
  t.strictSame(enumOf("addon/closer.h", "ClosingEvent"), { ...ClosingEvent });
  t.strictSame(enumOf("addon/messages.cc", "ReceiveOption"), { ...ReceiveOption });
  t.strictSame(enumOf("addon/messages.cc", "SendOption"), { ...SendOption });
});

t.test("errors of the addon have Node.js's names and texts", async (t) => {
  const rows = [...source("addon/errno_names.cc").matchAll(/ROW\((E\w+), "([^"]+)"\)/g)];
  const texts = new Map(rows.map(([, name, text]) => [name, text]));
  // Lower numbers are libuv's own: getaddrinfo's errors, say.
  const nodes = [...getSystemErrorMap()].filter(([number]) => number > -1000).map(([, row]) => row);
  t.ok(nodes.length > 60);
  for (const [name, text] of nodes) t.equal(texts.get(name), text, name);
});

t.test("every error number of this machine has a name, and one that Node.js knows has Node.js's", async (t) => {
  for (const [name, number] of Object.entries(constants.errno)) {
    const { code, errno, message } = binding.native.makeError(number, "call");
    const known = getSystemErrorName(-number);
    t.equal(code, known.startsWith("Unknown") ? name : known);
    t.equal(errno, -number);
    t.match(message, `call ${code}: `);
  }
  t.match(binding.native.makeError(122, "write"), { code: "EDQUOT", message: "write EDQUOT: disk quota exceeded" });
  t.match(binding.native.makeError(8, "execve"), { code: "ENOEXEC", message: "execve ENOEXEC: exec format error" });
  t.match(binding.native.makeError(9999, "call"), { code: "Unknown system error -9999" });
});

t.test("the slots of a message are at the same places in TypeScript", async (t) => {
  const { firstFd = -1, ...others } = enumOf("addon/messages.cc", "ControlSlot");
  const maxFds = constantOf("common/control_message.h", "kMaxRights");
  t.equal(SCM_MAX_FD, maxFds);
  t.strictSame({ ...others, firstFd, name: firstFd + maxFds }, { ...ControlSlot });
});

t.test("the kernel's numbers are those that the compiler saw", async (t) => {
  const checked = source("addon/kernel_numbers.cc").matchAll(/static_assert\((\w+|sizeof\(\S+\)) == (\w+)\);/g);
  const numbers = Object.fromEntries([...checked].map(([, name, value]) => [name as string, Number(value)]));
  t.equal(numbers["sizeof(sockaddr_un::sun_path)"], SUN_PATH_BYTES);
  delete numbers["sizeof(sockaddr_un::sun_path)"];
  const exported = Object.entries(binding).filter(([name]) => /^(AF|F|MSG|O|SHUT|SO|SOCK)_/.test(name));
  t.strictSame(numbers, Object.fromEntries(exported));
});
