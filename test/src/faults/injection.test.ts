// Each system call of each operation fails once, with one of the errnos of its man page, or gets less room: a success or
// an error with a code, and nothing stays open. `node scripts/verify/faults.mjs` tries every errno of every call.
import t from "tap";
import { inject } from "../support/faults.js";
import { needs } from "../support/requirements.js";
import { unsupported } from "../support/unsupported.js";

t.test(
  "one fault for each system call of each operation is survived",
  { skip: unsupported({ passPidfd: true }) || needs("gcc", "python3", "strace") },
  async (t) => {
    const { status, stdout } = await inject(t, ["some"]);
    const [, injected, survived] = stdout.match(/(\d+) faults injected, (\d+) survived\n$/) ?? [];
    t.ok(Number(injected) > 500, `the operations make system calls, and they were reached: ${stdout}`);
    t.equal(survived, injected, stdout);
    t.equal(status, 0, stdout);
  },
);
