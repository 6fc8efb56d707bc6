// What `seq 1 LAST` shows on a terminal, compared as it comes: nothing is kept, so that the comparison's own memory is flat.
const LINES = 1000;

function* counted(last) {
  for (let first = 1; first <= last; first += LINES) {
    const count = Math.min(LINES, last - first + 1);
    yield Buffer.from(Array.from({ length: count }, (_, n) => `${first + n}\r\n`).join(""));
  }
}

/** Reads a console to its end: the number of its bytes, each of which was as it should be. */
export async function compareCounted(console, last, what) {
  const pieces = counted(last);
  let expected = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of console) {
    for (let at = 0, length = 0; at < chunk.length; at += length, bytes += length) {
      if (expected.length === 0) expected = pieces.next().value ?? expected;
      length = Math.min(expected.length, chunk.length - at);
      if (length === 0) throw new Error(`${what}: more than ${bytes} bytes came`);
      if (chunk.compare(expected, 0, length, at, at + length) !== 0) {
        throw new Error(`${what}: another byte than the program wrote, within ${length} from byte ${bytes} on`);
      }
      expected = expected.subarray(length);
    }
  }
  if (expected.length > 0 || !pieces.next().done) throw new Error(`${what}: the end is missing, ${bytes} bytes came`);
  return bytes;
}
