// Which version of glibc a shared object asks for, by objdump -T (binutils).
import { spawnSync } from "node:child_process";

/** Such as "2.17". Throws where the object cannot be read, or asks for glibc not at all. */
export function newestGlibc(path, objdump = "objdump") {
  const { status, stdout, stderr, error } = spawnSync(objdump, ["-T", path], { encoding: "utf8" });
  if (error || status !== 0) throw error ?? new Error(`${objdump} -T ${path}: ${stderr}`);
  const undefinedOnes = stdout.split("\n").filter((line) => line.includes("*UND*"));
  const versions = undefinedOnes.flatMap((line) => line.match(/GLIBC_(\d+\.\d+)/)?.[1] ?? []);
  const [newest] = versions.sort((a, b) => Number(b.split(".")[1]) - Number(a.split(".")[1]));
  if (!newest) throw new Error(`${path} asks for no symbol of glibc: is it a shared object?`);
  return newest;
}
