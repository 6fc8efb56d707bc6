// console-init by musl-gcc. gyp has one compiler per toolset, so this stands beside it; the sources and flags are the
// ones gyp uses. All of it compiles in half a second: there are no object files to keep.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./root.mjs";

const output = join(root, "build/Release/console-init");
const commandFile = join(root, "build/Release/console-init.musl-command");

/** The compiler for this build, or undefined where node-gyp has to do it: a debug, sanitized or cross build, or no musl. */
export function muslCompiler(args) {
  const compiler = process.env.MUSL_CC ?? "musl-gcc";
  const other = args.some((arg) => arg === "--debug" || arg.startsWith("--arch"));
  if (!compiler || other || /\bsanitize=\w/.test(process.env.GYP_DEFINES ?? "")) return undefined;
  const probe = spawnSync(compiler, ["-static", "-std=c++20", "-x", "c++", "-", "-o", "/dev/null"], {
    input: "#include <unistd.h>\nint main() { return 0; }\n",
  });
  return probe.status === 0 ? compiler : undefined;
}

/** make would take the other compiler's executable for its own: it is newer than the objects. */
export function forgetMuslInit() {
  if (!existsSync(commandFile)) return;
  rmSync(output, { force: true });
  rmSync(commandFile);
}

/** Compile when a source, a header or the command changed. The exit status. */
export function buildMuslInit(compiler) {
  const { variables } = JSON.parse(readFileSync(join(root, "init/sources.gypi"), "utf8"));
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const temporary = `${output}.new`;
  const command = [
    compiler,
    "-x",
    "c++",
    ...variables.init_cflags,
    "-Icommon",
    `-DCONSOLE_INIT_VERSION="${version}"`,
    ...variables.init_sources,
    "-static",
    "-s",
    ...variables.init_ldflags,
    "-o",
    temporary,
  ];
  if (isFresh(command)) return 0;
  mkdirSync(dirname(output), { recursive: true });
  const { status, error } = spawnSync(command[0], command.slice(1), { cwd: root, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) return status ?? 1;
  // In place of a running executable one cannot write, but rename.
  renameSync(temporary, output);
  writeFileSync(commandFile, JSON.stringify(command));
  return 0;
}

function isFresh(command) {
  if (!existsSync(output) || !existsSync(commandFile)) return false;
  if (readFileSync(commandFile, "utf8") !== JSON.stringify(command)) return false;
  const built = statSync(output).mtimeMs;
  return ["common", "init"].every((folder) =>
    readdirSync(join(root, folder)).every((name) => statSync(join(root, folder, name)).mtimeMs < built),
  );
}
