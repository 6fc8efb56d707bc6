// The name beside a console is whatever its sender wrote: it can hold terminal escapes, and it names nothing useful.

/** Text that is safe to show: no control, format or unassigned character. A closing NUL, as conmon's kind sends, goes. */
export function safeName(name: Uint8Array): string {
  const text = new TextDecoder().decode(name).replace(/\0$/, "");
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
}
