import { MAX_TOOL_PORTS, PORTS } from '../../policy/wire/pod-contract.ts';
import type { ToolFacts } from './types.ts';

/** Only containers of the pod reach these. */
export const LOOPBACK = '127.0.0.1';

export const GATEWAY_URL = `http://${LOOPBACK}:${PORTS.proxy}`;

interface ToolAddress {
  toolId: string;
  /** Undefined for those beyond the last port, which have the path prefix alone. */
  port?: number;
  /** Base URL for clients. */
  url: string;
}

export function toolAddresses(tools: readonly ToolFacts[]): ToolAddress[] {
  const ids = [...new Set(tools.map(({ toolId }) => toolId))].sort();
  return ids.map((toolId, index) => {
    if (index >= MAX_TOOL_PORTS) return { toolId, url: `${GATEWAY_URL}/${toolId}` };
    const port = PORTS.firstTool + index;
    return { toolId, port, url: `http://${LOOPBACK}:${port}` };
  });
}
