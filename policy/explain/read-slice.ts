import type { AgentSlice } from '../compiler/slice.ts';
import { parseJson } from '../decision/parse-json.ts';

const LIMITS = { maxSize: 256 * 1024 * 1024, maxDepth: 128, maxValues: 50_000_000 };

/** An agent's compiled slice from its canonical JSON; numbers are exact. */
export function readSlice(bytes: Uint8Array): AgentSlice {
  return parseJson(bytes, LIMITS).value as AgentSlice;
}
