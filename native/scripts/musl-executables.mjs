// The static executables by musl-gcc. gyp has one compiler per toolset, so this stands beside it; the sources and flags
// are the ones gyp uses. Each compiles in half a second: there are no object files to keep.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./root.mjs";

const EXECUTABLES = [
  { name: "console-init", folder: "init", sources: "init_sources" },
  { name: "console-keeper", folder: "keeper", sources: "keeper_sources" },
].map((executable) => ({
  ...executable,
  output: join(root, "build/Release", executable.name),
  commandFile: join(root, "build/Release", `${executable.name}.musl-command`),
}));

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

/** make would take the other compiler's executables for its own: they are newer than the objects. */
export function forgetMuslExecutables() {
  for (const { output, commandFile } of EXECUTABLES.filter(({ commandFile }) => existsSync(commandFile))) {
    rmSync(output, { force: true });
    rmSync(commandFile);
  }
}

/** Compile what has a changed source, header or command. The exit status. */
export function buildMuslExecutables(compiler) {
  for (const executable of EXECUTABLES) {
    const status = build(executable, compiler);
    if (status !== 0) return status;
  }
  return 0;
}

function build(executable, compiler) {
  const { output, commandFile } = executable;
  const temporary = `${output}.new`;
  const command = [...commandOf(executable, compiler), "-o", temporary];
  if (isFresh(executable, command)) return 0;
  mkdirSync(dirname(output), { recursive: true });
  const { status, error } = spawnSync(command[0], command.slice(1), { cwd: root, stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) return status ?? 1;
  // In place of a running executable one cannot write, but rename.
  renameSync(temporary, output);
  writeFileSync(commandFile, JSON.stringify(command));
  return 0;
}

function commandOf({ folder, sources }, compiler) {
  const variables = (of) => JSON.parse(readFileSync(join(root, of, "sources.gypi"), "utf8")).variables;
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const { init_cflags: cflags, init_ldflags: ldflags } = variables("init");
  return [
    ...[compiler, "-x", "c++", ...cflags, "-Icommon", `-DCONSOLE_INIT_VERSION="${version}"`],
    ...[...variables(folder)[sources], "-static", "-s", ...ldflags, ...(variables(folder)[`${folder}_ldflags`] ?? [])],
  ];
}

function isFresh({ folder, output, commandFile }, command) {
  if (!existsSync(output) || !existsSync(commandFile)) return false;
  if (readFileSync(commandFile, "utf8") !== JSON.stringify(command)) return false;
  const built = statSync(output).mtimeMs;
  return ["common", folder].every((name) =>
    readdirSync(join(root, name)).every((file) => statSync(join(root, name, file)).mtimeMs < built),
  );
}
