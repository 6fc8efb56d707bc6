// The whole suite where it is not at home. The last line is the tests' own count.
//   node scripts/verify/surroundings.mjs node 22         on another Node, from npm's registry
//   node scripts/verify/surroundings.mjs user            as an ordinary login, in a copy of the repository, and what depends
//                                                        on groups as a login in several; needs root
//   node scripts/verify/surroundings.mjs old-kernel      with what newer kernels brought refused, as an older one does
// For the last two a test may not hold: then it is a skip that says why.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { fetchNode, NODES } from "./node-versions.mjs";

// Accounts as useradd(8) makes them: each has a group of its own, one is in others too. The kernel denies an ordinary user
// to give up any of them. They are removed afterwards; what the tests want of the machine is the same for both.
const LOGIN = { name: "console-test-one", groups: [], patterns: [] };
const LOGIN_IN_GROUPS = {
  name: "console-test-many",
  groups: ["games", "users", "audio"], // Debian has them always
  patterns: ["init", "docs/", "hostile/", "cmsg/unix-server", "cmsg/limits"],
};
// Root's own may name directories that are closed to others: a command is then EACCES, not ENOENT.
const USER_PATH = [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].join(
  delimiter,
);

// What Linux 6.16, 6.13, 6.5, 6.5 and 5.6 brought. The runtimes of the tests live with that too.
const REFUSED = [
  ...["setsockopt:83=ENOPROTOOPT", "getsockopt:83=ENOPROTOOPT"], // SO_PASSRIGHTS
  "ioctl:0xc040ff0b=ENOTTY", // PIDFD_GET_INFO
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

/**
 * Runs the tests as an account that lives as long as they do, in a copy of the repository that it owns: the suite writes
 * beside its sources.
 * @param {{ name: string, groups: string[], patterns: string[] }} login @param {string} directory
 */
function asLogin({ name, groups, patterns }, directory) {
  const home = join(directory, name);
  const copy = join(home, "copy");
  const entries = readdirSync(root).filter((entry) => ![".git", ".tap", "coverage", "build"].includes(entry));
  const paths = entries.map((entry) => join(root, entry));
  const many = groups.length > 0 ? ["--groups", groups.join()] : [];
  if (!run(["useradd", "--create-home", "--home-dir", home, "--user-group", ...many, name])) {
    throw new Error(`the account ${name} could not be made; an earlier run may have left it: userdel --remove ${name}`);
  }
  try {
    if (!run(["mkdir", copy]) || !run(["cp", "-a", ...paths, copy]) || !run(["chown", "-R", `${name}:${name}`, copy])) {
      throw new Error(`the repository could not be copied to ${copy}`);
    }
    const become = ["setpriv", `--reuid=${name}`, `--regid=${name}`, "--init-groups", "--inh-caps=-all"];
    // npx names root's own cache.
    const own = { HOME: home, USER: name, LOGNAME: name, PATH: USER_PATH, npm_config_cache: join(home, ".npm") };
    console.log(`\nAs ${name}, in ${groups.length + 1} groups:`);
    return run([...become, process.execPath, ...suite, ...patterns], { cwd: copy, ...own });
  } finally {
    run(["userdel", "--remove", name]);
  }
}

const kinds = {
  node(directory, version) {
    const node = fetchNode(directory, "x64", version);
    const PATH = [dirname(node), process.env.PATH].join(delimiter);
    return run([node, ...suite], { PATH, CONSOLE_TEST_STRICT: "1" });
  },
  user(directory) {
    return [LOGIN, LOGIN_IN_GROUPS].map((login) => asLogin(login, directory)).every(Boolean);
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
