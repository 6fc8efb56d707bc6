// Messages as tables: a field's name in JavaScript, its number, its kind. The compiler holds a table against the type of
// its message.
//
// Encoding is strict: a name that a table lacks is refused, since an agent that never gets a limit or a filter would run
// without it. Decoding is proto3's: what is not known is passed over, what is missing has its default.
import { ConsoleSocketError } from "../../errors.js";
import { malformed, WIRE_LENGTH, WIRE_VARINT, WireReader, WireWriter } from "./wire.js";

type ScalarKind = "string" | "bytes" | "bool" | "uint32" | "int32" | "uint64" | "int64";

/** Number, kind or table of a nested message, and how often. `always`: a message that is sent empty when it is missing. */
type Field =
  | readonly [number: number, kind: Tables, presence: "always"]
  | readonly [number: number, kind: ScalarKind | Tables]
  | readonly [number: number, kind: ScalarKind | Tables, repeated: "repeated"]
  | readonly [number: number, kind: "map<string, string>"];

/** The table of a message: one field for each name of its type, and no other. */
export type Schema<Message> = { readonly [Name in keyof Message]-?: Field };

/** Any message's table. */
export interface Tables {
  readonly [name: string]: Field;
}

type Values = Record<string, unknown>;

const RANGES = {
  uint32: [0n, 0xffff_ffffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  uint64: [0n, 0xffff_ffff_ffff_ffffn],
  int64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
} as const;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws ConsoleSocketError ERR_CONSOLE_INVALID_ARG, naming the field */
export function encode(schema: Tables, message: object): Buffer {
  return encodeAt(schema, message as Values, "");
}

/** @throws ConsoleSocketError ERR_CONSOLE_RPC_PROTOCOL */
export function decode<Message extends object>(schema: Schema<Message>, bytes: Uint8Array): Message {
  return decodeInto(schema as Tables, bytes) as Message;
}

function encodeAt(tables: Tables, message: Values, path: string): Buffer {
  if (typeof message !== "object" || message === null || Array.isArray(message))
    throw invalid(path, "an object", message);
  const unknown = Object.keys(message).find((name) => message[name] !== undefined && !Object.hasOwn(tables, name));
  if (unknown !== undefined) {
    throw new ConsoleSocketError(
      "ERR_CONSOLE_INVALID_ARG",
      `${path}${unknown} is not among the fields that are sent to this agent: ${Object.keys(tables).join(", ")}.`,
    );
  }
  const writer = new WireWriter();
  // By number, as other encoders do it.
  for (const [name, field] of Object.entries(tables).sort(([, [a]], [, [b]]) => a - b)) {
    const value = message[name] ?? (field[2] === "always" ? {} : undefined);
    if (value !== undefined && value !== null) encodeField(writer, field, value, `${path}${name}`);
  }
  return writer.finish();
}

function encodeField(writer: WireWriter, [number, kind, often]: Field, value: unknown, path: string): void {
  if (kind === "map<string, string>") encodeMap(writer, number, value, path);
  else if (often !== "repeated") encodeValue(writer, number, kind, value, path, false);
  else if (!Array.isArray(value)) throw invalid(path, "an array", value);
  else if (isNumeric(kind)) {
    if (value.length === 0) return;
    // Numbers are packed into one field.
    const packed = new WireWriter();
    for (const [index, item] of value.entries()) packed.varint(integer(kind, item, `${path}[${index}]`));
    writer.tag(number, WIRE_LENGTH).bytes(packed.finish());
  } else
    for (const [index, item] of value.entries()) encodeValue(writer, number, kind, item, `${path}[${index}]`, true);
}

/** @param always also what is the default, which a field of its own leaves out */
function encodeValue(
  writer: WireWriter,
  number: number,
  kind: ScalarKind | Tables,
  value: unknown,
  path: string,
  always: boolean,
): void {
  if (isNumeric(kind) || kind === "bool") {
    if (kind === "bool" && typeof value !== "boolean") throw invalid(path, "true or false", value);
    const varint = kind === "bool" ? BigInt(value as boolean) : integer(kind, value, path);
    if (always || varint !== 0n) writer.tag(number, WIRE_VARINT).varint(varint);
    return;
  }
  const bytes = typeof kind === "object" ? encodeAt(kind, value as Values, `${path}.`) : contents(kind, value, path);
  if (always || typeof kind === "object" || bytes.length > 0) writer.tag(number, WIRE_LENGTH).bytes(bytes);
}

function encodeMap(writer: WireWriter, number: number, value: unknown, path: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(path, "an object", value);
  for (const [key, item] of Object.entries(value)) {
    // A map is a repeated message of key and value, each of them written also where it is empty.
    const entry = new WireWriter()
      .tag(1, WIRE_LENGTH)
      .bytes(Buffer.from(key))
      .tag(2, WIRE_LENGTH)
      .bytes(contents("string", item, `${path}.${key}`));
    writer.tag(number, WIRE_LENGTH).bytes(entry.finish());
  }
}

function isNumeric(kind: unknown): kind is keyof typeof RANGES {
  return typeof kind === "string" && Object.hasOwn(RANGES, kind);
}

function integer(kind: keyof typeof RANGES, value: unknown, path: string): bigint {
  const [min, max] = RANGES[kind];
  const whole = typeof value === "bigint" || Number.isSafeInteger(value);
  const number = whole ? BigInt(value as bigint | number) : undefined;
  if (number === undefined || number < min || number > max) throw invalid(path, `an integer (${kind})`, value);
  return number;
}

function contents(kind: "string" | "bytes", value: unknown, path: string): Uint8Array {
  if (kind === "string" && typeof value === "string") return Buffer.from(value);
  if (kind === "bytes" && value instanceof Uint8Array) return value;
  throw invalid(path, kind === "string" ? "a string" : "a Uint8Array", value);
}

function invalid(path: string, expected: string, seen: unknown): ConsoleSocketError {
  const shown = seen === null ? "null" : typeof seen === "object" ? "an object" : `${typeof seen} ${String(seen)}`;
  return new ConsoleSocketError(
    "ERR_CONSOLE_INVALID_ARG",
    `${path.replace(/\.$/, "") || "A message"} is ${expected}, not ${shown}.`,
  );
}

function decodeInto(tables: Tables, bytes: Uint8Array): Values {
  const message = defaults(tables);
  const byNumber = new Map(Object.entries(tables).map(([name, field]) => [field[0], { name, field }]));
  const reader = new WireReader(bytes);
  while (!reader.atEnd) {
    const tag = reader.tag();
    const known = byNumber.get(tag.field);
    if (!known || !decodeField(reader, tag.type, known.field, message, known.name)) reader.skip(tag);
  }
  return message;
}

function defaults(tables: Tables): Values {
  const message: Values = {};
  for (const [name, [, kind, often]] of Object.entries(tables)) {
    if (kind === "map<string, string>") message[name] = Object.create(null);
    else if (often === "repeated") message[name] = [];
    else if (often === "always") message[name] = defaults(kind as Tables);
    else if (kind === "string") message[name] = "";
    else if (kind === "bytes") message[name] = Buffer.alloc(0);
    else if (kind === "bool") message[name] = false;
    else if (typeof kind === "string") message[name] = kind.endsWith("64") ? 0n : 0;
  }
  return message;
}

/** False for a field of another wire type than its number has here: unknown too. */
function decodeField(reader: WireReader, type: number, field: Field, message: Values, name: string): boolean {
  const [, kind, often] = field;
  const repeated = often === "repeated";
  const varint = isNumeric(kind) || kind === "bool";
  if (type === WIRE_LENGTH && varint && repeated) {
    const packed = new WireReader(reader.bytes());
    while (!packed.atEnd) (message[name] as unknown[]).push(number(kind, packed.varint()));
    return true;
  }
  if (type !== (varint ? WIRE_VARINT : WIRE_LENGTH)) return false;
  if (kind === "map<string, string>") {
    const { key, value } = decodeInto(MAP_ENTRY, reader.bytes());
    (message[name] as Values)[key as string] = value;
    return true;
  }
  const value = varint ? number(kind, reader.varint()) : decodeBytes(kind, reader.bytes());
  if (repeated) (message[name] as unknown[]).push(value);
  else message[name] = value;
  return true;
}

const MAP_ENTRY: Tables = { key: [1, "string"], value: [2, "string"] };

function number(kind: keyof typeof RANGES | "bool", value: bigint): unknown {
  if (kind === "bool") return value !== 0n;
  if (kind === "uint64") return value;
  if (kind === "int64") return BigInt.asIntN(64, value);
  return Number(kind === "uint32" ? BigInt.asUintN(32, value) : BigInt.asIntN(32, value));
}

function decodeBytes(kind: "string" | "bytes" | Tables, bytes: Uint8Array): unknown {
  if (kind === "bytes") return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (kind !== "string") return decodeInto(kind, bytes);
  try {
    return UTF8.decode(bytes);
  } catch {
    throw malformed("text in it is not UTF-8");
  }
}
