// Consoles of containers in virtual machines: Kata Containers' agent, and the hypervisors it is reached through.
export {
  AGENT_PORT,
  type AgentAddress,
  type AgentAddressOptions,
  type AgentDialect,
  parseAgentAddress,
} from "./agent-address.js";
export { type DialOptions, dial } from "./dial.js";
