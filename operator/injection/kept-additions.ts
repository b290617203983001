import type { Container } from './types.ts';

type Resources = Record<string, Record<string, string> | undefined>;

/** What a LimitRange may set. */
const RANGED = ['cpu', 'memory', 'ephemeral-storage'];

/**
 * What admission plugins of the API server itself have put into our container since we rendered it, and would refuse the
 * pod without: defaults of a LimitRange for resources that we leave open, and AlwaysPullImages. Both only make it stricter.
 */
export function withKeptAdditions(rendered: Container, found: Container | undefined): Container {
  if (found === undefined) return rendered;
  const resources = { ...(rendered.resources as Resources) };
  for (const kind of ['limits', 'requests']) {
    const own = resources[kind] ?? {};
    const there = (found.resources as Resources | undefined)?.[kind] ?? {};
    const added = RANGED.filter((name) => there[name] !== undefined && own[name] === undefined);
    if (added.length === 0) continue;
    resources[kind] = { ...own, ...Object.fromEntries(added.map((name) => [name, there[name] as string])) };
  }
  const { imagePullPolicy } = found.imagePullPolicy === 'Always' ? found : rendered;
  return { ...rendered, resources, imagePullPolicy };
}
