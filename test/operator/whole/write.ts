import type { KubeObject } from '../../../operator/kube/types.ts';

/** What an operator has written. */
export interface Write {
  /** `Kind namespace/name` and what is different, for messages. */
  text: string;
  /** Fields that are different, as JSON paths; none: it is new. */
  paths: readonly string[];
}

const MAX_TEXT = 60;
const MAX_SHOWN = 4;

export function writeOf(object: KubeObject, before: KubeObject | undefined): Write {
  const { kind, metadata } = object;
  const changed = before === undefined ? [] : [...differences(before, object, '')];
  const shown = changed.slice(0, MAX_SHOWN).map(({ path, was, now }) => `${path}: ${clip(was)} -> ${clip(now)}`);
  const name = `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
  return {
    text: `${name} (${before === undefined ? 'new' : shown.join(', ')})`,
    paths: changed.map(({ path }) => path),
  };
}

/**
 * What a new leader may say otherwise. Which pods belong to a registration whose newest version is invalid depends on what
 * a replica has seen of it: without more, the last good version is the one that was committed. And a rollout that has
 * just moved waits for nothing yet, until the next pass has looked.
 */
export function isDetail({ paths }: Write): boolean {
  // warnings tell what becomes of the pods, where there are any
  const others = paths.includes('.status.pods.matched') ? paths.filter((path) => path !== '.status.warnings') : paths;
  return (
    others.length > 0 && others.every((path) => /^\.status\.((pods|agents)\.\w+|conditions\.\d+\.message)$/.test(path))
  );
}

function* differences(
  was: unknown,
  now: unknown,
  path: string,
): Iterable<{ path: string; was: unknown; now: unknown }> {
  if (JSON.stringify(was) === JSON.stringify(now) || path.endsWith('resourceVersion')) return;
  if (!isMap(was) || !isMap(now)) yield { path, was, now };
  else {
    for (const key of new Set([...Object.keys(was), ...Object.keys(now)])) {
      yield* differences(was[key], now[key], `${path}.${key}`);
    }
  }
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function clip(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, MAX_TEXT);
}
