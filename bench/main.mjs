// pnpm bench: every figure that the documents claim, measured beside its peers. `--help` tells the options; README.md how
// a case is written. Standard output has the table, or with --json the JSON alone; progress goes to standard error.
import { cases } from "./cases/index.mjs";
import { describeMachine } from "./harness/machine.mjs";
import { parseOptions } from "./harness/options.mjs";
import { writePage } from "./harness/page.mjs";
import { measureCase } from "./harness/pairs.mjs";
import { buildProject, prepare } from "./harness/prepare.mjs";
import { failed, jsonRow, judge } from "./harness/rows.mjs";
import { table } from "./harness/table.mjs";

const options = parseOptions(process.argv.slice(2), cases);
const progress = (line) => process.stderr.write(`${line}\n`);

if (options.list) {
  for (const { name, title } of cases) console.log(`${name.padEnd(14)} ${title}`);
} else {
  const chosen = options.only.length > 0 ? cases.filter(({ name }) => options.only.includes(name)) : cases;
  if (!options["no-build"]) buildProject();
  const ready = prepare(chosen, progress);
  const machine = describeMachine();
  progress(`${machine.summary}; load ${machine.load}`);
  if (!options.quick)
    progress(`about ${Math.ceil(chosen.reduce((sum, { seconds }) => sum + seconds, 0) / 60)} minutes`);
  const rows = [];
  for (const one of chosen) rows.push(...judge(one, await measureCase(one, ready, options, progress)));
  if (options.json) console.log(JSON.stringify({ cases: rows.map(jsonRow) }, null, 2));
  else console.log(table(rows));
  if (options.plots) progress(`wrote ${writePage(rows, machine, options)}`);
  if (rows.some(failed)) process.exitCode = 1;
}
