// A file whose file system does not answer: a FUSE mount over one regular file, whose daemon (fixtures/silent-fuse.py)
// answers the kernel until it is told to be silent. From then on fstat, ioctl and close of a descriptor of that file
// block for as long as the daemon lives.
//
// The test's own process must not hold such a descriptor after silence(), not even untouched: a child that it starts
// has to close its copy before exec() is done, and until then spawn() blocks the event loop. So a peer process holds it:
//   startPeer(t, [{ connect }, { open: fuse.path }, { hold: true }, { send: { fds: ["opened"] } }, { hold: true }])
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { fixture } from "./paths.js";
import { type Program, run, start } from "./processes.js";
import { tempDir } from "./temp-dir.js";

export class SilentFuse {
  /** The file. It can be opened read-only until silence(). */
  readonly path: string;
  #daemon: Program;
  #t: Test;

  private constructor(t: Test, path: string, daemon: Program) {
    this.path = path;
    this.#daemon = daemon;
    this.#t = t;
  }

  /** Mount it; needs("fuse", "python3"). It is unmounted when the test ends, whatever state it is in. */
  static async mount(t: Test): Promise<SilentFuse> {
    const path = join(realpathSync(tempDir(t)), "file");
    writeFileSync(path, "");
    // Registered before the daemon starts, so it runs after the daemon was killed.
    t.teardown(() => unmount(t, path));
    const daemon = start(t, "python3", [fixture("silent-fuse.py"), path]);
    await daemon.output(/^mounted$/m);
    return new SilentFuse(t, path, daemon);
  }

  /** Resolves when no further request will be answered. */
  async silence(): Promise<void> {
    this.#daemon.write("silence\n");
    await this.#daemon.output(/^silent$/m);
  }

  /** End the daemon: the kernel then fails every blocked call (ENOTCONN) at once. */
  async abort(): Promise<void> {
    this.#daemon.kill("SIGKILL");
    await this.#daemon.ended;
    await unmount(this.#t, this.path);
  }
}

const isMounted = (path: string) => readFileSync("/proc/self/mountinfo", "utf8").includes(` ${path} `);

async function unmount(t: Test, path: string): Promise<void> {
  // Lazily: a descriptor that somebody still holds does not keep the mount.
  if (isMounted(path)) await run(t, "umount", ["--lazy", path]);
  if (isMounted(path)) t.fail("the FUSE mount is still there", { path });
}
