// Builds what is shipped into prebuilds/linux-ARCH-glibc: the addon, which asks for no newer symbols of glibc than 2.28
// has (Node 20 itself asks for those) and brings its C++ library, and the static executables.
//   node native/scripts/prebuild.mjs [x64|arm64]…       this machine's by default
// arm64 on x64 takes Debian's gcc-12-aarch64-linux-gnu and g++-12-aarch64-linux-gnu. It builds in a copy of the sources,
// so that the working tree's own build stays as it is.
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./root.mjs";
import { SOURCES } from "./sources.mjs";
import { newestGlibc } from "./symbol-versions.mjs";

const NEWEST_GLIBC = "2.28";
const FILES = ["cmsg.node", "console-init", "console-keeper"];
const CROSS = { arm64: "aarch64-linux-gnu" };

for (const arch of process.argv.length > 2 ? process.argv.slice(2) : [process.arch]) prebuild(arch);

function prebuild(arch) {
  const triplet = arch === process.arch ? undefined : CROSS[arch];
  if (arch !== process.arch && !triplet) fail(`No cross compiler is known for ${arch}.`);
  const work = mkdtempSync(join(tmpdir(), "cmsg-prebuild-"));
  try {
    for (const name of SOURCES) cpSync(join(root, name), join(work, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(work, "node_modules"));
    build(work, arch, triplet);
    const target = join(root, "prebuilds", `linux-${arch}-glibc`);
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    for (const name of FILES) take(join(work, "build/Release", name), join(target, name), triplet);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function build(work, arch, triplet) {
  const cross = triplet && {
    CC: `${triplet}-gcc-12`,
    CXX: `${triplet}-g++-12`,
    LINK: `${triplet}-g++-12`,
    MUSL_CC: "",
  };
  const { status, error } = spawnSync(
    process.execPath,
    [join(work, "scripts/build.mjs"), ...(triplet ? [`--arch=${arch}`] : [])],
    { stdio: "inherit", env: { ...process.env, ...cross, GYP_DEFINES: "shipped=1" } },
  );
  if (error) throw error;
  if (status !== 0) fail(`The build for ${arch} failed.`);
}

function take(from, to, triplet) {
  if (!existsSync(from)) fail(`The build made no ${from}.`);
  // An executable is static; the addon is loaded into whatever glibc runs Node.
  if (from.endsWith(".node")) {
    const newest = newestGlibc(from, triplet ? `${triplet}-objdump` : "objdump");
    if (compare(newest, NEWEST_GLIBC) > 0)
      fail(`${from} asks for GLIBC_${newest}; at most ${NEWEST_GLIBC} is shipped.`);
  }
  copyFileSync(from, to);
}

function compare(left, right) {
  const [a, b] = [left, right].map((version) => version.split(".").map(Number));
  return a[0] - b[0] || a[1] - b[1];
}

function fail(why) {
  console.error(why);
  process.exit(1);
}
