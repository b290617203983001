import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { GivenValues } from './given-value.ts';
import { keysOf } from './program-settings.ts';
import type { SettingsTable } from './setting.ts';
import { unknownName } from './unknown-name.ts';

/** The settings file: YAML 1.2, of which JSON is a part. Loaded only where a file is given. */

const MAX_SIZE = 256 * 1024;
const OPTIONS = { version: '1.2', schema: 'core', merge: false, prettyErrors: false, logLevel: 'silent' } as const;

export function readSettingsFile(program: { table: SettingsTable }, text: string, file: string): GivenValues {
  const keys = new Set<string>(keysOf(program));
  const groups = new Set([...keys].flatMap((key) => [...key.matchAll(/\./g)].map(({ index }) => key.slice(0, index))));
  const result: GivenValues = { values: [], problems: [] };
  if (text.length > MAX_SIZE) {
    const message = `The settings file is larger than ${MAX_SIZE} bytes.`;
    return { values: [], problems: [{ code: 'AEGIS_SETTINGS_SYNTAX', message, origin: file }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { ...OPTIONS, lineCounter: lines });
  const at = (offset: number): string => `${file}:${lines.linePos(offset).line}`;
  const refuse = (message: string, offset: number): void => {
    result.problems.push({ code: 'AEGIS_SETTINGS_SYNTAX', message, origin: at(offset) });
  };
  const offsetOf = (node: unknown): number => (node as Node | null)?.range?.[0] ?? 0;

  /** `undefined`, which no setting takes, for what cannot be read (an alias of nothing). */
  function plain(node: Node | null): unknown {
    try {
      return node?.toJS(document) ?? undefined;
    } catch {
      return undefined;
    }
  }

  function pair({ key, value }: Pair, prefix: string): void {
    const offset = offsetOf(key);
    if (!isScalar(key) || typeof key.value !== 'string') {
      refuse('A key is no text.', offset);
      return;
    }
    const path = prefix === '' ? key.value : `${prefix}.${key.value}`;
    if (keys.has(path)) {
      result.values.push({ key: path, origin: at(offset), given: { value: plain(value as Node | null) } });
    } else if (!groups.has(path)) result.problems.push(unknownName(path, [...keys, ...groups], at(offset)));
    else if (isMap(value)) for (const each of value.items) pair(each, path);
    else refuse(`${path} holds further settings, so it must be an object.`, offset);
  }

  for (const { message, pos } of [...document.errors, ...document.warnings].slice(0, 10)) {
    // The library may quote the line, and a line may hold what somebody took for a secret's place.
    refuse((message.split('\n', 1)[0] as string).replace(/[:.]?$/, '.'), pos[0]);
  }
  if (result.problems.length > 0 || document.contents === null) return result;
  if (isMap(document.contents)) for (const each of document.contents.items) pair(each, '');
  else refuse('The settings file must be an object.', offsetOf(document.contents));
  return result;
}
