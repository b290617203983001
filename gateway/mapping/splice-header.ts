import { PER_CONNECTION } from '../../policy/mapping/contract.ts';

/** They say how to read the body, so they are no values that a policy may change. */
const FRAMING: ReadonlySet<string> = new Set([...PER_CONNECTION, 'content-encoding', 'content-type']);

/**
 * Raw headers (alternating names and values) with `values` as the value of the header `wire` (lower case), which
 * occurs once or not at all. `undefined` for a header that must not be changed, and for more than one value.
 */
export function spliceHeader(
  rawHeaders: readonly string[],
  wire: string,
  values: readonly string[],
): string[] | undefined {
  const [value, more] = values;
  if (FRAMING.has(wire) || more !== undefined) return undefined;
  const spliced: string[] = [];
  let found = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const own = name.toLowerCase() === wire;
    if (!own) spliced.push(name, rawHeaders[index + 1] as string);
    else if (value !== undefined) spliced.push(name, value);
    found ||= own;
  }
  if (!found && value !== undefined) spliced.push(wire, value);
  return spliced;
}
