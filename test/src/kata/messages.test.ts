// The messages as they are on the wire, both generations: what is sent is byte for byte what protoc makes of the same
// message, and what protoc makes of an answer is read as it was meant.
import { type AgentClient, connectAgent } from "console-socket/kata";
import t from "tap";
import { grpcFrame, httpAgent, Received, ttrpcFrame } from "../support/played-agent.js";
import { protocEncode, textBytes } from "../support/protoc.js";
import { needs } from "../support/requirements.js";
import { streamPair } from "../support/unix-streams.js";

interface Golden {
  method: string;
  call: (client: AgentClient) => Promise<unknown>;
  /** The message's name in fixtures/agent.proto, and the message as text. */
  request: [message: string, text: string];
  response?: [message: string, text: string];
  answer?: unknown;
  /** Only in that generation. */
  only?: "grpc" | "ttrpc";
}

const PROCESS = { containerId: "box", execId: "ü" };
const PROCESS_TEXT = 'container_id: "box" exec_id: "ü"';

const spec = {
  ociVersion: "1.0.2",
  process: {
    terminal: true,
    consoleSize: { height: 24, width: 80 },
    user: { uid: 1000, gid: 4_294_967_295, additionalGids: [0, 5, 300], username: "me" },
    args: ["sh", "", "-c"],
    env: ["A=1"],
    cwd: "/",
    capabilities: {
      bounding: ["CAP_KILL"],
      effective: ["CAP_CHOWN", "CAP_KILL"],
      inheritable: ["A"],
      permitted: ["B"],
      ambient: ["C"],
    },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 18_446_744_073_709_551_615n, soft: 1024 }],
    noNewPrivileges: true,
    apparmorProfile: "p",
    oomScoreAdj: -500,
    selinuxLabel: "l",
  },
  root: { path: "/r", readonly: true },
  hostname: "h",
  mounts: [{ destination: "/proc", source: "proc", type: "proc", options: ["ro", "nosuid"] }],
  annotations: { one: "1" },
  linux: {
    uidMappings: [{ hostID: 1, containerID: 0, size: 65_536 }],
    gidMappings: [{ hostID: 2, containerID: 3, size: 4 }],
    sysctl: { "net.core.somaxconn": "" },
    resources: {
      devices: [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: -1, minor: 9_007_199_254_740_993n, access: "r" },
      ],
      memory: { limit: 1, reservation: 2n, swap: -1 },
      cpu: { shares: 1024, quota: -1, period: 18_446_744_073_709_551_615n, cpus: "0-3", mems: "0" },
      pids: { limit: 100 },
    },
    devices: [
      { path: "/dev/fuse", type: "c", major: 10, minor: 229, fileMode: 0o666, uid: 1, gid: 2 },
      { path: "/dev/p", type: "p" },
    ],
    cgroupsPath: "/c",
    namespaces: [{ type: "pid", path: "/proc/1/ns/pid" }, { type: "mount" }],
    rootfsPropagation: "private",
    maskedPaths: ["/m"],
    readonlyPaths: ["/ro"],
    mountLabel: "ml",
  },
};

const processText = `Terminal: true ConsoleSize { Height: 24 Width: 80 }
  User { UID: 1000 GID: 4294967295 AdditionalGids: [0, 5, 300] Username: "me" }
  Args: ["sh", "", "-c"] Env: "A=1" Cwd: "/"
  Capabilities { Bounding: "CAP_KILL" Effective: ["CAP_CHOWN", "CAP_KILL"] Inheritable: "A" Permitted: "B" Ambient: "C" }
  Rlimits { Type: "RLIMIT_NOFILE" Hard: 18446744073709551615 Soft: 1024 }
  NoNewPrivileges: true ApparmorProfile: "p" OOMScoreAdj: -500 SelinuxLabel: "l"`;

const specText = `OCI { Version: "1.0.2" Process { ${processText} } Root { Path: "/r" Readonly: true } Hostname: "h"
  Mounts { destination: "/proc" source: "proc" type: "proc" options: ["ro", "nosuid"] }
  Annotations { key: "one" value: "1" }
  Linux {
    UIDMappings { HostID: 1 Size: 65536 } GIDMappings { HostID: 2 ContainerID: 3 Size: 4 }
    Sysctl { key: "net.core.somaxconn" value: "" } CgroupsPath: "/c"
    Resources {
      Devices { Access: "rwm" } Devices { Allow: true Type: "c" Major: -1 Minor: 9007199254740993 Access: "r" }
      Memory { Limit: 1 Reservation: 2 Swap: -1 }
      CPU { Shares: 1024 Quota: -1 Period: 18446744073709551615 Cpus: "0-3" Mems: "0" } Pids { Limit: 100 }
    }
    Devices { Path: "/dev/fuse" Type: "c" Major: 10 Minor: 229 FileMode: 438 UID: 1 GID: 2 }
    Devices { Path: "/dev/p" Type: "p" }
    Namespaces { Type: "pid" Path: "/proc/1/ns/pid" } Namespaces { Type: "mount" }
    RootfsPropagation: "private" MaskedPaths: "/m" ReadonlyPaths: "/ro" MountLabel: "ml"
  } }`;

const storage = { driver: "9p", driverOptions: ["a", "b"], source: "s", fstype: "f", options: ["o"], mountPoint: "/m" };
const storageText = 'driver: "9p" driver_options: ["a", "b"] source: "s" fstype: "f" options: "o" mount_point: "/m"';

const sandbox = { hostname: "h", dns: ["1.1.1.1", "::"], sandboxPidns: true, sandboxId: "i", guestHookPath: "/g" };
const sandboxText = 'hostname: "h" dns: ["1.1.1.1", "::"] sandbox_pidns: true sandbox_id: "i" guest_hook_path: "/g"';

const container = {
  ...PROCESS,
  stringUser: { uid: "root", gid: "wheel", additionalGids: ["x", "y"] },
  devices: [{ id: "d", type: "blk", vmPath: "/dev/vda", containerPath: "/dev/x", options: ["o"] }],
  oci: spec,
  sandboxPidns: true,
};
const containerText = `${PROCESS_TEXT} string_user { uid: "root" gid: "wheel" additionalGids: ["x", "y"] }
  devices { id: "d" type: "blk" vm_path: "/dev/vda" container_path: "/dev/x" options: "o" }
  ${specText} sandbox_pidns: true`;

const goldens: Golden[] = [
  {
    method: "Check",
    call: ({ health }) => health.check(),
    request: ["CheckRequest", ""],
    response: ["HealthCheckResponse", "status: NOT_SERVING"],
    answer: { status: 2 },
  },
  {
    method: "Version",
    call: ({ health }) => health.version(),
    request: ["CheckRequest", ""],
    response: ["VersionCheckResponse", 'grpc_version: "0.0.1" agent_version: "1.12 ü"'],
    answer: { grpcVersion: "0.0.1", agentVersion: "1.12 ü" },
  },
  {
    method: "CreateSandbox",
    only: "grpc",
    call: ({ agent }) => agent.createSandbox({ ...sandbox, storages: [storage, {}] }),
    request: ["CreateSandboxRequest1", `${sandboxText} storages { ${storageText} } storages {}`],
  },
  {
    method: "CreateSandbox",
    only: "ttrpc",
    call: ({ agent }) => agent.createSandbox({ ...sandbox, storages: [{ ...storage, shared: true }] }),
    request: ["CreateSandboxRequest", `${sandboxText} storages { ${storageText} shared: true }`],
  },
  { method: "DestroySandbox", call: ({ agent }) => agent.destroySandbox(), request: ["DestroySandboxRequest", ""] },
  {
    method: "CreateContainer",
    only: "grpc",
    call: ({ agent }) => agent.createContainer({ ...container, storages: [storage], agentPidns: true }),
    request: ["CreateContainerRequest1", `${containerText} storages { ${storageText} } agent_pidns: true`],
  },
  // Kata 1.x's agent panics without these.
  {
    method: "CreateContainer",
    only: "grpc",
    call: ({ agent }) => agent.createContainer(PROCESS),
    request: ["CreateContainerRequest1", `${PROCESS_TEXT} OCI { Linux { Resources {} } }`],
  },
  {
    method: "CreateContainer",
    only: "grpc",
    call: ({ agent }) => agent.createContainer({ ...PROCESS, oci: { hostname: "h", linux: { mountLabel: "ml" } } }),
    request: [
      "CreateContainerRequest1",
      `${PROCESS_TEXT} OCI { Hostname: "h" Linux { Resources {} MountLabel: "ml" } }`,
    ],
  },
  // The later ones refuse a specification without the Linux part; one without resources they take.
  {
    method: "CreateContainer",
    only: "ttrpc",
    call: ({ agent }) => agent.createContainer({ ...PROCESS, oci: { hostname: "h" } }),
    request: ["CreateContainerRequest", `${PROCESS_TEXT} OCI { Hostname: "h" Linux {} }`],
  },
  {
    method: "CreateContainer",
    only: "ttrpc",
    call: ({ agent }) =>
      agent.createContainer({ ...container, storages: [storage], stdinPort: 1, stdoutPort: 2, stderrPort: 3 }),
    request: [
      "CreateContainerRequest",
      `${containerText} storages { ${storageText} } stdin_port: 1 stdout_port: 2 stderr_port: 3`,
    ],
  },
  {
    method: "StartContainer",
    call: ({ agent }) => agent.startContainer({ containerId: "box" }),
    request: ["StartContainerRequest", 'container_id: "box"'],
  },
  {
    method: "RemoveContainer",
    call: ({ agent }) => agent.removeContainer({ containerId: "", timeout: 4_294_967_295 }),
    request: ["RemoveContainerRequest", "timeout: 4294967295"],
  },
  {
    method: "ExecProcess",
    call: ({ agent }) => agent.execProcess({ ...PROCESS, stringUser: {}, process: spec.process }),
    request: ["ExecProcessRequest", `${PROCESS_TEXT} string_user {} process { ${processText} }`],
  },
  {
    method: "ExecProcess",
    only: "ttrpc",
    call: ({ agent }) => agent.execProcess({ ...PROCESS, process: {}, stdinPort: 1, stdoutPort: 2, stderrPort: 3 }),
    request: ["ExecProcessRequest", `${PROCESS_TEXT} process {} stdin_port: 1 stdout_port: 2 stderr_port: 3`],
  },
  {
    method: "SignalProcess",
    call: ({ agent }) => agent.signalProcess({ ...PROCESS, signal: 9 }),
    request: ["SignalProcessRequest", `${PROCESS_TEXT} signal: 9`],
  },
  {
    method: "WaitProcess",
    call: ({ agent }) => agent.waitProcess(PROCESS),
    request: ["WaitProcessRequest", PROCESS_TEXT],
    response: ["WaitProcessResponse", "status: -1"],
    answer: { status: -1 },
  },
  {
    method: "WriteStdin",
    call: ({ agent }) => agent.writeStdin({ ...PROCESS, data: Buffer.from([0, 255, 10]) }),
    request: ["WriteStreamRequest", `${PROCESS_TEXT} data: "\\000\\377\\n"`],
    response: ["WriteStreamResponse", "len: 3"],
    answer: { len: 3 },
  },
  ...["ReadStdout", "ReadStderr"].map(
    (method): Golden => ({
      method,
      call: ({ agent }) => agent[method === "ReadStdout" ? "readStdout" : "readStderr"]({ ...PROCESS, len: 32_768 }),
      request: ["ReadStreamRequest", `${PROCESS_TEXT} len: 32768`],
      response: ["ReadStreamResponse", 'data: "\\000\\377"'],
      answer: { data: Buffer.from([0, 255]) },
    }),
  ),
  {
    method: "CloseStdin",
    call: ({ agent }) => agent.closeStdin(PROCESS),
    request: ["CloseStdinRequest", PROCESS_TEXT],
  },
  {
    method: "TtyWinResize",
    call: ({ agent }) => agent.ttyWinResize({ ...PROCESS, row: 24, column: 80 }),
    request: ["TtyWinResizeRequest", `${PROCESS_TEXT} row: 24 column: 80`],
  },
  {
    method: "GetGuestDetails",
    call: ({ agent }) => agent.getGuestDetails({ memBlockSize: true, memHotplugProbe: true }),
    request: ["GuestDetailsRequest", "mem_block_size: true mem_hotplug_probe: true"],
    response: [
      "GuestDetailsResponse",
      `mem_block_size_bytes: 18446744073709551615 support_mem_hotplug_probe: true
       agent_details { version: "v" init_daemon: true device_handlers: ["a", ""] storage_handlers: "b"
         supports_seccomp: true extra_features: "x" }`,
    ],
    answer: {
      memBlockSizeBytes: 18_446_744_073_709_551_615n,
      supportMemHotplugProbe: true,
      agentDetails: {
        version: "v",
        initDaemon: true,
        deviceHandlers: ["a", ""],
        storageHandlers: ["b"],
        supportsSeccomp: true,
        extraFeatures: ["x"],
      },
    },
  },
];

const serviceOf = (method: string) => (/^(Check|Version)$/.test(method) ? "grpc.Health" : "grpc.AgentService");
const skip = needs("protoc");

for (const { method, call, request, response, answer } of goldens.filter(({ only }) => only !== "ttrpc")) {
  t.test(`${method} (${request[0]}) [gRPC]`, { skip }, async (t) => {
    const message = protocEncode(...request);
    const path = await httpAgent(t, (stream, headers, body) => {
      t.equal(headers[":path"], `/${serviceOf(method)}/${method}`);
      t.strictSame(body, grpcFrame(message));
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(grpcFrame(response ? protocEncode(...response) : Buffer.alloc(0)));
    });
    const client = await connectAgent(path, { protocol: "grpc" });
    t.strictSame(await call(client), answer);
    await client.close();
  });
}

for (const { method, call, request, response, answer } of goldens.filter(({ only }) => only !== "grpc")) {
  t.test(`${method} (${request[0]}) [ttRPC]`, { skip }, async (t) => {
    const message = protocEncode(...request);
    const [stream, other] = streamPair(t);
    const received = new Received(other);
    const client = await connectAgent(stream, { protocol: "ttrpc" });
    const answered = call(client);
    const payload = message.length > 0 ? `payload: ${textBytes(message)}` : "";
    const wanted = protocEncode("Request", `service: "${serviceOf(method)}" method: "${method}" ${payload}`);
    t.strictSame(await received.take(10 + wanted.length), ttrpcFrame(1, wanted, 1));
    const bytes = textBytes(response ? protocEncode(...response) : Buffer.alloc(0));
    other.write(ttrpcFrame(1, protocEncode("Response", `payload: ${bytes}`)));
    t.strictSame(await answered, answer);
    await client.close();
  });
}

t.test("ttRPC carries the deadline and metadata", { skip }, async (t) => {
  const [stream, other] = streamPair(t);
  const received = new Received(other);
  const client = await connectAgent(stream, { protocol: "ttrpc" });
  const answered = client.health.check({ timeoutMs: 60_000, metadata: { one: "1", two: "" } });
  const wanted = protocEncode(
    "Request",
    `service: "grpc.Health" method: "Check" timeout_nano: 60000000000
     metadata { key: "one" value: "1" } metadata { key: "two" }`,
  );
  t.strictSame(await received.take(10 + wanted.length), ttrpcFrame(1, wanted, 1));
  other.end();
  await t.rejects(answered, { code: "ERR_CONSOLE_RPC", rpcCode: 14, rpcName: "UNAVAILABLE" });
  t.ok(stream.destroyed, "the connection does not stay");
});

t.test("a request with what the agent does not have is refused, and nothing is sent", async (t) => {
  const [stream, other] = streamPair(t);
  const received = new Received(other);
  const later = await connectAgent(stream, { protocol: "ttrpc" });
  const refused = async (request: unknown, message: RegExp) => {
    const call = later.agent.createContainer({ ...PROCESS, ...(request as object) });
    await t.rejects(call, { code: "ERR_CONSOLE_INVALID_ARG", message });
  };
  await refused({ agentPidns: true }, /^agentPidns is not among the fields/);
  await refused({ oci: { linux: { seccomp: {} } } }, /^oci\.linux\.seccomp is not among/);
  await refused({ oci: { process: { args: "sh" } } }, /^oci\.process\.args is an array, not string sh/);
  await refused({ oci: { process: { args: ["sh", 1] } } }, /^oci\.process\.args\[1\] is a string, not number 1/);
  await refused({ oci: { process: { user: { uid: -1 } } } }, /^oci\.process\.user\.uid is an integer \(uint32\)/);
  await refused({ oci: { process: { terminal: 1 } } }, /^oci\.process\.terminal is true or false/);
  await refused({ oci: { annotations: { a: 1 } } }, /^oci\.annotations\.a is a string/);
  await refused({ oci: [] }, /^oci is an object/);
  await t.rejects(later.agent.writeStdin({ ...PROCESS, data: "text" as never }), { message: /^data is a Uint8Array/ });
  t.equal(received.bytes.length, 0);
  const [stream1] = streamPair(t);
  const first = await connectAgent(stream1, { protocol: "grpc" });
  const call = first.agent.createContainer({ ...PROCESS, stdinPort: 1 });
  await t.rejects(call, { code: "ERR_CONSOLE_INVALID_ARG", message: /^stdinPort is not among/ });
  await Promise.all([later.close(), first.close()]);
});
