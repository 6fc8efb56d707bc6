import { cpus, loadavg, release, totalmem } from "node:os";

/** The machine as the page names it, and its load: what else runs falsifies the figures. */
export function describeMachine() {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  const summary = `${cpu?.model ?? process.arch}, ${cpus().length} cores, ${memory} GiB, Linux ${release()}, Node ${process.versions.node}, ${date}`;
  return { summary, load: loadavg()[0].toFixed(1) };
}
