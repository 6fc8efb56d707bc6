// examples/sandboxed-shell.mjs, as a person runs it.
import { join } from "node:path";
import t from "tap";
import { repository } from "../support/paths.js";
import { plainNode } from "../support/plain-node.js";
import { run } from "../support/processes.js";
import { needs } from "../support/requirements.js";
import { Tmux } from "../support/tmux.js";

const sandboxed = needs("unshare", "user-namespaces");
const [command, ...node] = [...plainNode, join(repository, "examples/sandboxed-shell.mjs")];

t.test("sandboxed-shell.mjs COMMAND, without a terminal", { skip: sandboxed }, async (t) => {
  const script = 'echo "$(id -u) $(tty) $(stty size)"; ls /proc | grep -c "^[0-9]*$"; exit 3';
  t.match(await run(t, command, [...node, "sh", "-c", script]), {
    status: 3,
    stdout: /^0 \/dev\/pts\/0 24 80\r\n[34]\r\n$/,
    stderr: "",
  });
  t.match(await run(t, command, [...node, "/no/such/command"]), { status: 127, stderr: /no such file/ });
});

t.test("sandboxed-shell.mjs in a terminal", { skip: sandboxed || needs("tmux") }, async (t) => {
  const line = '"$@"; echo "status=$?"; stty -a; read -r _';
  const window = await Tmux.start(t, ["env", "PS1=box: ", "ENV=", "sh", "-c", line, "sh", command, ...node]);
  await window.waitFor(/box:/);
  await window.type("tty; echo $((6 * 7)); exit 5");
  await window.press("Enter");
  const screen = (await window.waitFor(/^status=5$[\s\S]*echoe/m)).input ?? "";
  t.match(screen, /^\/dev\/pts\/0\n42\n/m);
  t.match(screen, /[^-]icanon/, "the terminal is not raw");
});
