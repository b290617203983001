import { encodeValue, formatPair, parsePairs } from './pairs.ts';

/** A part of a query or form that is one field; empty parts are none. */
function nameOf(part: string, where: 'query' | 'form'): string | undefined {
  return parsePairs(part, where)[0]?.[0];
}

function withValue(part: string, value: string, where: 'query' | 'form'): string {
  if (parsePairs(part, where)[0]?.[1] === value) return part;
  const equals = part.indexOf('=');
  return `${equals < 0 ? part : part.slice(0, equals)}=${encodeValue(value)}`;
}

/** Which fields are the parameter's, and what it is called where it has none yet. */
export interface SplicedField {
  wire: string;
  owns(name: string): boolean;
  where: 'query' | 'form';
}

/**
 * The text of a query or form with `values` as the values of one parameter's fields; all other text stays as it is.
 * Values take the places of the old ones in order; further ones follow the last of them, or stand at the end.
 */
export function splicePairs(text: string, { wire, owns, where }: SplicedField, values: readonly string[]): string {
  const parts = text === '' ? [] : text.split('&');
  const places = new Map<number, number>();
  for (const [index, part] of parts.entries()) {
    const name = nameOf(part, where);
    if (name !== undefined && owns(name)) places.set(index, places.size);
  }
  const fresh = values.slice(places.size).map((value) => formatPair(wire, value));
  const last = [...places.keys()].at(-1);
  const spliced = parts.flatMap((part, index) => {
    const nth = places.get(index);
    if (nth === undefined) return [part];
    const value = values[nth];
    const kept = value === undefined ? [] : [withValue(part, value, where)];
    return index === last ? [...kept, ...fresh] : kept;
  });
  return (last === undefined ? [...spliced, ...fresh] : spliced).join('&');
}
