// A shell in PID and mount namespaces of its own (for an ordinary user, in a user namespace too), with its own devpts:
// what a container runtime does, in three lines of shell.
import { spawn, spawnSync } from "node:child_process";
import { consoleInitPath } from "console-init";

const UNSHARE = ["--mount", "--pid", "--fork", "--kill-child"];
const MOUNTS = "mount -t proc proc /proc && mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts /dev/pts";

export async function startSandbox(socketPath, { say }) {
  const init = [consoleInitPath(), "--console-socket", socketPath];
  // --norc and a plain prompt, so that what is shown is the same everywhere.
  const shell = ["--", "env", "PS1=demo$ ", "ENV=", "sh"];
  const namespaces = process.getuid?.() === 0 ? UNSHARE : ["--user", "--map-root-user", ...UNSHARE];
  const refusal = whyNot(namespaces);
  if (refusal) {
    say(
      `Namespaces are not to be had here (${refusal}): the shell runs beside you, on a terminal of the host's devpts.`,
    );
    return started(spawn(init[0], [...init.slice(1), "--ptmx", "/dev/ptmx", ...shell], { stdio: ["ignore", 1, 2] }));
  }
  const inside = ["sh", "-c", `${MOUNTS} && exec "$@"`, "sh", ...init, ...shell];
  return started(spawn("unshare", [...namespaces, "--", ...inside], { stdio: ["ignore", 1, 2] }));
}

function whyNot(namespaces) {
  const probe = spawnSync("unshare", [...namespaces, "--", "sh", "-c", MOUNTS], { encoding: "utf8" });
  if (probe.status === 0) return undefined;
  return probe.error?.message ?? (probe.stderr.trim().split("\n")[0] || `unshare ended with ${probe.status}`);
}

function started(child) {
  const exited = new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, signal) => resolve(signal ?? `status ${code}`));
  });
  return {
    exited,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
    },
  };
}
