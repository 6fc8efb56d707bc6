/**
 * Closes what an operation has used. An error of close(2) must not become the outcome of that operation, and the number is
 * free all the same.
 */
export function closeQuietly(close: () => void): void {
  try {
    close();
  } catch {
    // EIO, EDQUOT …: of a copy, or of a socket. What the operation did is done.
  }
}
