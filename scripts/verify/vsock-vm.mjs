// AF_VSOCK for real, in a machine of its own: boots Debian's kernel in QEMU (TCG: no KVM, no /dev/vsock of this host), with
// this host's root file system read-only over 9p and vsock_loopback for a transport, and runs
// test/fixtures/vsock-in-vm.mjs there.
//
// The kernel: CONSOLE_TEST_KERNEL names a directory with boot/vmlinuz-* and lib/modules/* in it; without it, the Debian
// package linux-image-amd64 is downloaded and unpacked, not installed.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const BOOT_TIMEOUT_MS = 300_000;

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const work = mkdtempSync(join(tmpdir(), "vsock-vm-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));

// In the order in which they need each other; what a kernel has built in is not there as a file.
const MODULES = [
  "virtio_ring",
  "virtio",
  "virtio_pci_modern_dev",
  "virtio_pci_legacy_dev",
  "virtio_pci",
  "netfs",
  "fscache",
  "9pnet",
  "9pnet_virtio",
  "9p",
  "vsock",
  "vmw_vsock_virtio_transport_common",
  "vsock_loopback",
];

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", ...options });
  if (status === 0) return stdout;
  console.error(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
  process.exit(1);
}

function kernelDirectory() {
  if (process.env.CONSOLE_TEST_KERNEL) return process.env.CONSOLE_TEST_KERNEL;
  const depends = run("apt-cache", ["depends", "linux-image-amd64"]);
  const image = depends.match(/Depends: (linux-image-\S+)/)?.[1];
  run("apt-get", ["download", image], { cwd: work });
  const [archive] = readdirSync(work).filter((name) => name.endsWith(".deb"));
  const kernel = join(work, "kernel");
  run("dpkg", ["-x", join(work, archive), kernel]);
  return kernel;
}

/** Packs a root with busybox, the modules, and an init that goes on in the host's root. */
function initramfs(kernel) {
  const tree = join(work, "initramfs");
  for (const name of ["bin", "dev", "proc", "sys", "modules", "host"]) mkdirSync(join(tree, name), { recursive: true });
  copyFileSync("/bin/busybox", join(tree, "bin/busybox"));
  const available = readdirSync(join(kernel, "lib/modules"), { recursive: true, encoding: "utf8" });
  const names = [];
  for (const module of MODULES) {
    const path = available.find((name) => basename(name) === `${module}.ko`);
    if (!path) continue;
    copyFileSync(join(kernel, "lib/modules", path), join(tree, "modules", `${module}.ko`));
    names.push(module);
  }
  const init = [
    "#!/bin/busybox sh",
    "b=/bin/busybox",
    "$b mount -t proc proc /proc; $b mount -t sysfs sys /sys; $b mount -t devtmpfs dev /dev",
    `for m in ${names.join(" ")}; do $b insmod /modules/$m.ko; done`,
    "$b mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host || $b poweroff -f",
    "$b mount -t proc proc /host/proc; $b mount -t devtmpfs dev /host/dev",
    `$b chroot /host ${process.execPath} ${join(root, "test/fixtures/vsock-in-vm.mjs")}`,
    "$b poweroff -f",
  ];
  writeFileSync(join(tree, "init"), `${init.join("\n")}\n`);
  chmodSync(join(tree, "init"), 0o755);
  const archive = join(work, "initramfs.cpio");
  run("sh", ["-c", `cd ${tree} && /bin/busybox find . | /bin/busybox cpio -o -H newc > ${archive}`]);
  return archive;
}

function boot(kernel, archive) {
  const image = readdirSync(join(kernel, "boot")).find((name) => name.startsWith("vmlinuz-"));
  if (image === undefined) throw new Error(`there is no boot/vmlinuz-* in ${kernel}`);
  const child = spawn(
    "qemu-system-x86_64",
    [
      ...["-accel", "tcg", "-cpu", "max", "-m", "1024", "-nodefaults", "-no-reboot", "-display", "none"],
      ...["-kernel", join(kernel, "boot", image), "-initrd", archive],
      ...["-append", "console=ttyS0 quiet panic=-1"],
      ...["-serial", "stdio", "-monitor", "none"],
      ...["-virtfs", "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let seen = "";
  child.stdout.on("data", (text) => {
    seen += text;
    process.stdout.write(text);
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), BOOT_TIMEOUT_MS);
  child.once("close", () => {
    clearTimeout(timer);
    const passed = /^vsock: passed\r?$/m.test(seen);
    console.log(passed ? "AF_VSOCK over CID 1 passed in a VM" : "AF_VSOCK over CID 1 did not pass");
    process.exitCode = passed ? 0 : 1;
  });
}

const kernel = kernelDirectory();
boot(kernel, initramfs(kernel));
