// close(2) that fails, and closes all the same, as that of a file on a network file system does.
import { native } from "cmsg-native";
import type { Test } from "tap";

/** From now on, until the test ends, every close(2) that JavaScript makes answers EIO. */
export function failCloses(t: Test): { count: number } {
  const closes = { count: 0 };
  const { close } = native;
  native.close = (fd) => {
    close(fd);
    closes.count++;
    throw Object.assign(new Error("close EIO: i/o error"), { code: "EIO", errno: -5, syscall: "close" });
  };
  t.teardown(() => {
    native.close = close;
  });
  return closes;
}
