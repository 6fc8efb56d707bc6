// Text of others, such as the name beside a console, can hold terminal escapes and invisible characters.

/**
 * Replaces control, format and unassigned characters, and line and paragraph separators, with U+FFFD.
 *
 *     report(safeText("\u001b[2Jbox")); // "\ufffd[2Jbox"
 */
export function safeText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}

/** `safeText` of the bytes beside a console. A closing NUL, which conmon's kind of sender adds, is removed. */
export function safeName(name: Uint8Array): string {
  return safeText(new TextDecoder().decode(name).replace(/\0$/, ""));
}
