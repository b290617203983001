import type { ActionPlan } from './action-plan.ts';
import type { Multipart, Part } from './multipart.ts';
import type { Pairs } from './pairs.ts';
import { decodeUtf8 } from './percent.ts';
import { type Params, readPairs } from './read-fields.ts';
import { refuse } from './refusal.ts';

/**
 * What a part is as a value: of a file (`format: binary`) its file name, whose content only the tool reads; of any
 * other its text. What is not declared has no value here.
 */
function partValue(plan: ActionPlan, body: Uint8Array, part: Part): string {
  const parameter = plan.multipart.get(part.name);
  if (parameter === undefined) return '';
  if (parameter.format === 'binary') {
    return part.filename ?? refuse('AEGIS_MAPPING_MISTYPED', 'The part must be a file.', parameter.name);
  }
  if (part.filename !== undefined) refuse('AEGIS_MAPPING_MISTYPED', 'The part must not be a file.', parameter.name);
  if (part.type !== undefined && part.type !== 'text/plain') {
    refuse('AEGIS_MAPPING_MISTYPED', 'The part must be plain text.', parameter.name);
  }
  return decodeUtf8(body.subarray(part.start, part.end), 'A part');
}

export function readMultipart(plan: ActionPlan, body: Uint8Array, { parts }: Multipart, into: Params): void {
  const pairs: Pairs = parts.map((part) => [part.name, partValue(plan, body, part)]);
  readPairs(plan, plan.multipart, pairs, 'multipart body', into);
}
