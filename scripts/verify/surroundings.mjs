// The whole suite where it is not at home. The last line is the tests' own count.
//   node scripts/verify/surroundings.mjs node 22         on another Node, from npm's registry
//   node scripts/verify/surroundings.mjs user            as an ordinary user, in a copy of the repository
//   node scripts/verify/surroundings.mjs old-kernel      with what newer kernels brought refused, as an older one does
// For the last two a test may not hold: then it is a skip that says why.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fetchNode, NODES } from "./node-versions.mjs";

// Debian always has it, and nothing on the machine is allowed to it by accident. dbus-daemon asks for a user's name.
const USER = "games";
// Root's own may name directories that are closed to others: a command is then EACCES, not ENOENT.
const USER_PATH = [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].join(
  delimiter,
);

// What Linux 6.16, 6.5, 6.5 and 5.6 brought. The runtimes of the tests live with that too.
const REFUSED = [
  ...["setsockopt:83=ENOPROTOOPT", "getsockopt:83=ENOPROTOOPT"], // SO_PASSRIGHTS
  ...["setsockopt:76=ENOPROTOOPT", "getsockopt:76=ENOPROTOOPT"], // SO_PASSPIDFD
  "getsockopt:77=ENOPROTOOPT", // SO_PEERPIDFD
  "openat2=ENOSYS",
];

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const suite = ["scripts/test.mjs", "--no-coverage"];

/** @param {string[]} command @param {{ cwd?: string } & NodeJS.ProcessEnv} [options] */
function run([command = "", ...args], { cwd = root, ...env } = {}) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit", env: { ...process.env, ...env } });
  if (error) throw error;
  return status === 0;
}

/** A copy that the user owns: the suite writes beside its sources. */
function copyFor(user, directory) {
  const copy = join(directory, "copy");
  const entries = readdirSync(root).filter((name) => ![".git", ".tap", "coverage", "build"].includes(name));
  const paths = entries.map((name) => join(root, name));
  if (!run(["mkdir", copy]) || !run(["cp", "-a", ...paths, copy]) || !run(["chown", "-R", `${user}:${user}`, copy]))
    throw new Error(`the repository could not be copied to ${copy}`);
  return copy;
}

const kinds = {
  node(directory, version) {
    const node = fetchNode(directory, "x64", version);
    const PATH = [dirname(node), process.env.PATH].join(delimiter);
    return run([node, ...suite], { PATH, CONSOLE_TEST_STRICT: "1" });
  },
  user(directory) {
    const cwd = copyFor(USER, directory);
    const become = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "--inh-caps=-all"];
    // npx names root's own cache.
    const own = { HOME: cwd, USER, PATH: USER_PATH, npm_config_cache: join(cwd, ".npm") };
    return run([...become, process.execPath, ...suite], { cwd, ...own });
  },
  "old-kernel": () => run(["python3", "test/fixtures/deny.py", ...REFUSED, "--", process.execPath, ...suite]),
};

const [kind, version] = process.argv.slice(2);
if (!Object.hasOwn(kinds, kind ?? "") || (kind === "node" && !NODES.includes(version))) {
  console.error(`surroundings: node ${NODES.join("|")}, user, old-kernel`);
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), "cmsg-surroundings-"));
chmodSync(directory, 0o755);
let passed = false;
try {
  passed = kinds[kind](directory, version);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exit(passed ? 0 : 1);
