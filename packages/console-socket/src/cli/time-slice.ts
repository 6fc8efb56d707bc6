// How soon this process runs when its console arrives, while others compute.
import { native } from "cmsg-native";

// The kernel's smallest. A thread that asks for short slices is scheduled sooner when it wakes, and gets as much time as
// before. Without this, a process that has just started Node.js waits until others have used up theirs.
const SHORT_NS = 100_000;

/** Asks for short time slices until the result is called. Does nothing where the kernel refuses, or knows none (6.12). */
export function useShortSlices(): () => void {
  try {
    const before = native.swapTimeSlice(SHORT_NS);
    return () => {
      native.swapTimeSlice(before);
    };
  } catch {
    return () => undefined;
  }
}
