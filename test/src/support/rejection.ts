/** The error that a promise rejects with; it must reject. */
export async function rejection<Failure = Error>(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    return error as Failure;
  }
  throw new Error("expected a rejection; the promise resolved");
}
