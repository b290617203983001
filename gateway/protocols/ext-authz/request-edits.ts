import { isIdentityHeader } from '../../upstream/forward-headers.ts';
import type { RequestEdits } from './check-response.ts';

/** A request, or what the verdict made of it; the target is relative to the tool's base path. */
export interface EditableRequest {
  target: string;
  /** Alternating names and values. */
  rawHeaders: readonly string[];
  body: Uint8Array | undefined;
}

function valuesByName(rawHeaders: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}

const EMPTY: Uint8Array = new Uint8Array();

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || Buffer.compare(a ?? EMPTY, b ?? EMPTY) === 0;
}

/** Envoy writes these itself. */
function isEnvoyHeader(name: string): boolean {
  return name.startsWith('x-forwarded-') || name === 'via' || name === 'forwarded';
}

/**
 * What Envoy must change so that the tool receives what was approved: path, query and single headers can be changed, a
 * body cannot (`undefined` then). Claims of identity that an agent makes are removed.
 */
export function requestEdits(
  received: EditableRequest,
  approved: EditableRequest,
  basePath: string,
): RequestEdits | undefined {
  if (!sameBytes(received.body, approved.body)) return undefined;
  const edits: RequestEdits = { set: [], remove: [] };
  if (received.target !== approved.target) edits.set.push(':path', basePath + approved.target);
  const after = valuesByName(approved.rawHeaders);
  for (const [name, values] of valuesByName(received.rawHeaders)) {
    const wanted = after.get(name);
    if (wanted === undefined || (isIdentityHeader(name.replaceAll('_', '-')) && !isEnvoyHeader(name))) {
      edits.remove.push(name);
    } else if (wanted.join('\n') !== values.join('\n')) {
      if (wanted.length > 1) return undefined;
      edits.set.push(name, wanted[0] as string);
    }
  }
  return edits;
}
