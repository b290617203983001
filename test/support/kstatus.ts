/**
 * What Flux (`wait: true`), Helm and other users of kstatus conclude from one object, for kinds without rules of their
 * own: the oracle for every status that the operator can write.
 */
export type KstatusResult = 'Terminating' | 'InProgress' | 'Failed' | 'Current';

interface StatusCondition {
  type?: unknown;
  status?: unknown;
}

/** @throws TypeError where kstatus answers with an error, e.g. an observedGeneration that is no integer */
export function kstatusOf(object: unknown): KstatusResult {
  const { metadata, status } = asMap(object, 'object');
  const { deletionTimestamp, generation } = asMap(metadata, 'metadata');
  const { observedGeneration, conditions } = asMap(status, 'status');
  if (deletionTimestamp !== undefined && typeof deletionTimestamp !== 'string') {
    throw new TypeError('metadata.deletionTimestamp is no text');
  }
  if (deletionTimestamp) return 'Terminating';
  if (generation !== undefined && integer(generation, 'metadata.generation') !== undefined) {
    const observed = integer(observedGeneration, 'status.observedGeneration');
    if (observed !== undefined && observed !== generation) return 'InProgress';
  }
  return ofConditions(asList(conditions));
}

function ofConditions(conditions: readonly StatusCondition[]): KstatusResult {
  // whichever of both stands first decides; an operator never says both
  for (const { type, status } of conditions) {
    if (type === 'Reconciling' && status === 'True') return 'InProgress';
    if (type === 'Stalled' && status === 'True') return 'Failed';
  }
  for (const { type, status } of conditions) {
    if (type !== 'Ready') continue;
    if (status === 'True') return 'Current';
    if (status === 'False' || status === 'Unknown') return 'InProgress';
  }
  // without a word about itself an object is taken for finished
  return 'Current';
}

function asMap(value: unknown, what: string): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TypeError(`${what} is no map`);
}

function asList(value: unknown): readonly StatusCondition[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.map((each) => asMap(each, 'a condition'));
  throw new TypeError('status.conditions is no list');
}

function integer(value: unknown, what: string): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value)) return value as number;
  throw new TypeError(`${what} is no integer`);
}
