/**
 * One spelling for names that tools are known to read as the same field: case folded as Go does it (`\u017f` is `s`, the
 * Kelvin sign `k`), separators left out (PHP reads `.` and ` ` as `_`; protobuf reads `userId` and `user_id` alike), and
 * brackets as levels (Rack and qs read `[a]`, `a]` and `a[]` as `a`). Levels are joined by a slash.
 */
export function fieldPath(name: string): string {
  return name
    .split(/[[\]]+/)
    .map(fold)
    .filter(Boolean)
    .join('/');
}

/** The spellings of a name: a dot is a separator to some, and a level to others (Spring, ASP.NET, qs). */
export function fieldPaths(name: string): string[] {
  const path = fieldPath(name);
  return name.includes('.') ? [path, fieldPath(name.replaceAll('.', '['))] : [path];
}

function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .replace(/[\s\p{Cc}\p{Cf}._!-]+/gu, '');
}

/** Is `path` one of `names`, below one of them, or above one? */
export function shadows(names: ReadonlySet<string>, path: string): boolean {
  if (names.has(path)) return true;
  // One look per name, however many levels a caller gives to the path.
  for (const name of names) if (isBelow(path, name) || isBelow(name, path)) return true;
  return false;
}

function isBelow(path: string, above: string): boolean {
  return path.length > above.length && path[above.length] === '/' && path.startsWith(above);
}
