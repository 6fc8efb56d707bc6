// The errors that a call to a virtual machine's agent ends with.
export interface ErrorMatch {
  code: string;
  rpcCode?: number;
  rpcName?: string;
  details?: string | RegExp;
}

export const PROTOCOL_ERROR: ErrorMatch = { code: "ERR_CONSOLE_RPC_PROTOCOL" };

export function rpc(rpcCode: number, rpcName: string, details?: string | RegExp): ErrorMatch {
  return { code: "ERR_CONSOLE_RPC", rpcCode, rpcName, ...(details !== undefined && { details }) };
}
