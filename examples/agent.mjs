// A container of your own in a virtual machine, and this terminal on it: through Kata's agent, where no shim does it.
//   node examples/agent.mjs ADDRESS grpc|ttrpc [PROGRAM ARGUMENT…]
// What an agent wants of a specification beside the program (a root file system, namespaces, storages) is Kata's to say.
import { attach } from "console-socket";
import { connectAgent, openAgentConsole } from "console-socket/kata";

const [address, protocol, ...program] = process.argv.slice(2);
if (protocol !== "grpc" && protocol !== "ttrpc") {
  console.error("usage: node examples/agent.mjs ADDRESS grpc|ttrpc [PROGRAM ARGUMENT…]");
  process.exit(2);
}

const client = await connectAgent(address, { protocol });
try {
  const { agentVersion } = await client.health.version({ timeoutMs: 5000 });
  console.error(`An agent, version ${agentVersion}.`);

  const containerId = "example";
  const args = program.length > 0 ? program : ["sh"];
  const env = ["PATH=/usr/bin:/bin", "TERM=xterm"];
  await client.agent.createContainer({
    containerId,
    execId: containerId,
    oci: { process: { terminal: true, args, env, cwd: "/" } },
  });
  await client.agent.startContainer({ containerId });

  const terminal = await openAgentConsole(client, { containerId });
  await attach(terminal);
  process.exitCode = (await terminal.exited).code ?? 1;
  await client.agent.removeContainer({ containerId });
} finally {
  await client.close();
}
