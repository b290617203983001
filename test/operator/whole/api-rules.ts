/** What makes a store an API server, as far as the operator can tell: generations, status, who owns which field. */
import type { KubeObject } from '../../../operator/kube/types.ts';
import type { WriteOptions, WriteRules } from '../support/fake-kube.ts';

type Fields = Record<string, unknown>;
type Stored = KubeObject & Fields & { spec?: unknown; status?: unknown };
type Written = Parameters<WriteRules['written']>[0];

/** Lists whose entries are told apart by a field, as the CRDs say. */
const LIST_KEYS: Readonly<Record<string, string>> = { conditions: 'type', checks: 'name', ownerReferences: 'uid' };

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Server-side apply of one field: what the manager said before and says no more goes, what others said stays. */
function applied(live: unknown, before: unknown, now: unknown, field = ''): unknown {
  const key = LIST_KEYS[field];
  if (key !== undefined && Array.isArray(now)) {
    const list = (value: unknown): Fields[] => (Array.isArray(value) ? value : []);
    const find = (value: unknown, entry: Fields) => list(value).find((each) => each[key] === entry[key]);
    const kept = list(live).filter((entry) => find(before, entry) === undefined || find(now, entry) !== undefined);
    const next = kept.map((entry) => {
      const said = find(now, entry);
      return said === undefined ? entry : applied(entry, find(before, entry), said);
    });
    return [...next, ...list(now).filter((entry) => find(live, entry) === undefined)];
  }
  if (!isFields(now) || !isFields(live)) return now;
  const mine = isFields(before) ? before : {};
  const next: Fields = {};
  for (const [name, value] of Object.entries(live)) {
    if (name in now) next[name] = applied(value, mine[name], now[name], name);
    else if (!(name in mine)) next[name] = value;
  }
  for (const [name, value] of Object.entries(now)) if (!(name in live) && value !== undefined) next[name] = value;
  return next;
}

export interface ApiRulesOptions {
  /** Told of every change of the store. */
  stored(object: KubeObject | undefined, before: KubeObject | undefined, options: WriteOptions): void;
}

export class ApiRules implements WriteRules {
  readonly stored: ApiRulesOptions['stored'];
  /** What each manager applied last, by object. */
  readonly #applied = new Map<string, Fields>();

  constructor({ stored }: ApiRulesOptions) {
    this.stored = stored;
  }

  written({ verb, before, next, sent, options }: Written): KubeObject {
    const was = before as Stored | undefined;
    const object =
      sent === undefined ? ({ ...next } as Stored) : this.#apply(was ?? (next as Stored), sent as Stored, options);
    if (object.apiVersion !== 'aegis.dev/v1alpha1') return object;
    if (was === undefined) {
      delete object.status;
      object.metadata = { ...object.metadata, generation: 1 };
      return object;
    }
    if (options.subresource === 'status')
      return { ...was, ...(object.status !== undefined && { status: object.status }) };
    const changed = JSON.stringify(was.spec) !== JSON.stringify(object.spec);
    const generation = (was.metadata.generation ?? 1) + (changed ? 1 : 0);
    const { status: _, ...rest } = object;
    const kept = verb === 'create' ? {} : { ...(was.status !== undefined && { status: was.status }) };
    return { ...rest, ...kept, metadata: { ...object.metadata, generation } } as Stored;
  }

  #apply(live: Stored, sent: Stored, { fieldManager = '', subresource }: WriteOptions): Stored {
    const { uid } = live.metadata;
    const key = `${uid} ${fieldManager} ${subresource ?? ''}`;
    const { apiVersion: _, kind: __, metadata, ...rest } = sent;
    const { labels, annotations, ownerReferences, finalizers } = metadata;
    const said = structuredClone({ ...rest, metadata: { labels, annotations, ownerReferences, finalizers } });
    for (const [name, value] of Object.entries(said.metadata)) {
      if (value === undefined) delete (said.metadata as Fields)[name];
    }
    const next = applied(live, this.#applied.get(key), said) as Stored;
    this.#applied.set(key, said);
    return next;
  }
}
