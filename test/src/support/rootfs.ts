// A root file system that holds busybox and nothing else.
import { spawnSync } from "node:child_process";
import { closeSync, constants, copyFileSync, existsSync, mkdirSync, openSync, readSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const CANDIDATES = ["/bin/busybox", "/usr/bin/busybox", "/bin/busybox.static", "/usr/lib/busybox/busybox.static"];

/** Mount points and directories that a runtime or a program inside expects. */
const DIRECTORIES = ["bin", "dev", "etc", "proc", "root", "sys", "tmp", "run"];

/** The path of a statically linked busybox, if there is one: a dynamic one does not start in an empty rootfs. */
export function staticBusybox(): string | undefined {
  return CANDIDATES.find((path) => existsSync(path) && !hasInterpreter(path));
}

/** Does this ELF file ask for a dynamic loader? Its path stands near the beginning of the file. */
function hasInterpreter(path: string): boolean {
  const head = Buffer.alloc(4096);
  const fd = openSync(path, "r");
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  return head.includes("/ld-");
}

/**
 * Fill `dir` with busybox and its applets. A copy, although a hard link would be cheaper: root in a container that
 * writes to its /bin/busybox must not write to this machine's.
 */
export function createRootfs(dir: string): void {
  const busybox = staticBusybox();
  if (!busybox) throw new Error("no static busybox (Debian: busybox-static)");
  for (const name of DIRECTORIES) mkdirSync(join(dir, name), { recursive: true });
  copyFileSync(busybox, join(dir, "bin/busybox"), constants.COPYFILE_FICLONE);
  const { stdout } = spawnSync(busybox, ["--list"], { encoding: "utf8" });
  for (const applet of stdout.split("\n")) {
    if (applet && applet !== "busybox") symlinkSync("busybox", join(dir, "bin", applet));
  }
}
