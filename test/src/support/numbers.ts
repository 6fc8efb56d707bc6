import { createHash } from "node:crypto";

/** SHA-256 of the first `bytes` bytes of what `seq 1 1000000` prints. */
export function digestOfNumbers(bytes: number): string {
  let text = "";
  for (let n = 1; text.length < bytes; n++) text += `${n}\n`;
  return createHash("sha256").update(text.slice(0, bytes)).digest("hex");
}
