export type JsonPatchOperation =
  | { op: 'add' | 'replace'; path: string; value: unknown }
  | { op: 'remove'; path: string };

type JsonObject = Readonly<Record<string, unknown>>;

/** Lists of a pod whose entries are known by a field. */
const KEYS = ['name', 'mountPath'] as const;
/** Longer lists than anybody needs are replaced as a whole. */
const MAX_WORK = 250_000;
/** Whoever applies them moves the rest of the list for each. */
const MAX_CHANGES = 1_000;

type Pair = [from: number, to: number];

/**
 * What makes `after` of `before` (RFC 6902). Entries of lists that have names stay what they are, so that others see in
 * the audit log what was done to which container. Members that are undefined do not exist.
 */
export function patchOf(before: unknown, after: unknown): JsonPatchOperation[] {
  const operations: JsonPatchOperation[] = [];
  compare(before, after, '', operations);
  return operations;
}

function compare(before: unknown, after: unknown, path: string, operations: JsonPatchOperation[]): void {
  if (isObject(before) && isObject(after)) compareObjects(before, after, path, operations);
  else if (Array.isArray(before) && Array.isArray(after)) compareLists(before, after, path, operations);
  else if (!isSame(before, after)) operations.push({ op: 'replace', path, value: after });
}

function compareObjects(before: JsonObject, after: JsonObject, path: string, operations: JsonPatchOperation[]): void {
  for (const key of Object.keys(before)) {
    if (before[key] !== undefined && own(after, key) === undefined) {
      operations.push({ op: 'remove', path: `${path}/${escaped(key)}` });
    }
  }
  for (const [key, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const earlier = own(before, key);
    const place = `${path}/${escaped(key)}`;
    // null counts as absent for some who apply patches
    if (earlier === undefined || earlier === null) {
      if (earlier !== value) operations.push({ op: 'add', path: place, value });
    } else compare(earlier, value, place, operations);
  }
}

function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
  operations: JsonPatchOperation[],
): void {
  if (isSame(before, after)) return;
  const [earlier, later] = [keysOf(before), keysOf(after)];
  const kept = earlier && later && commonKeys(earlier, later);
  if (kept === undefined || before.length + after.length - 2 * kept.length > MAX_CHANGES) {
    operations.push({ op: 'replace', path, value: after });
    return;
  }
  const stays = new Set(kept.map(([from]) => from));
  for (let index = before.length - 1; index >= 0; index -= 1) {
    if (!stays.has(index)) operations.push({ op: 'remove', path: `${path}/${index}` });
  }
  const origins = new Map(kept.map(([from, to]) => [to, from]));
  after.forEach((value, index) => {
    const from = origins.get(index);
    if (from === undefined) operations.push({ op: 'add', path: `${path}/${index}`, value });
    else compare(before[from], value, `${path}/${index}`, operations);
  });
}

/** Undefined where not every entry has a key. */
function keysOf(list: readonly unknown[]): string[] | undefined {
  const field = KEYS.findLast((key) => list.every((entry) => isObject(entry) && typeof own(entry, key) === 'string'));
  return field && list.map((entry) => (entry as Record<string, string>)[field] as string);
}

/** Pairs of positions with the same key, in order, and as many as there can be; undefined where that is too much work. */
function commonKeys(before: readonly string[], after: readonly string[]): Pair[] | undefined {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const [from, to] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  if (from.length * to.length > MAX_WORK) return undefined;
  return [
    ...Array.from({ length: start }, (_, index): Pair => [index, index]),
    ...longestCommon(from, to).map(([a, b]): Pair => [a + start, b + start]),
    ...Array.from({ length: end }, (_, index): Pair => [before.length - end + index, after.length - end + index]),
  ];
}

function longestCommon(before: readonly string[], after: readonly string[]): Pair[] {
  const width = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (from: number, to: number): number => lengths[from * width + to] as number;
  for (let from = before.length - 1; from >= 0; from -= 1) {
    for (let to = after.length - 1; to >= 0; to -= 1) {
      const same = before[from] === after[to];
      lengths[from * width + to] = same ? at(from + 1, to + 1) + 1 : Math.max(at(from + 1, to), at(from, to + 1));
    }
  }
  const pairs: Pair[] = [];
  for (let from = 0, to = 0; from < before.length && to < after.length; ) {
    if (before[from] === after[to]) pairs.push([from++, to++]);
    else if (at(from + 1, to) >= at(from, to + 1)) from += 1;
    else to += 1;
  }
  return pairs;
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, index) => isSame(value, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame(own(a, key), own(b, key)));
}

function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6901 section 3. */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
