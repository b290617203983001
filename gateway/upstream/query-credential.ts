/** Puts a credential into the query of a decided path. */

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

/**
 * The path with `field=value` at the end of its query, and every pair of that name taken out of it: whatever its case
 * and encoding, and with brackets behind it, since servers differ in which of several they take. All other bytes stay.
 */
export function withQueryCredential(target: string, field: string, value: string): string {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const wanted = field.toLowerCase();
  const pairs = mark < 0 ? [] : target.slice(mark + 1).split('&');
  const kept = pairs.filter((pair) => {
    const equals = pair.indexOf('=');
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals)).toLowerCase();
    return name !== wanted && !name.startsWith(`${wanted}[`);
  });
  if (kept.length === 1 && kept[0] === '') kept.pop();
  return `${path}?${[...kept, `${encodeURIComponent(field)}=${encodeURIComponent(value)}`].join('&')}`;
}
