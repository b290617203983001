/** `metav1.Condition`: one aspect of a resource. */
export interface Condition {
  /** Unique in its list. */
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** The generation that this was seen of. */
  observedGeneration?: number;
  /** RFC 3339; when `status` last changed, and nothing else. */
  lastTransitionTime: string;
  /** CamelCase, for programs. */
  reason: string;
  /** For people. Deterministic: a counter or a time in it would make a write of every pass. */
  message: string;
}

const MAX_MESSAGE = 1024;

/**
 * The list with this condition in place of the one of its type, or at the end. `lastTransitionTime` is `now` (RFC 3339)
 * only where the status is another one. The list itself is given back where nothing changes. Messages are cut to 1 KiB.
 */
export function setCondition(
  list: readonly Condition[],
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): Condition[] {
  const index = list.findIndex(({ type }) => type === condition.type);
  const known = list[index];
  const lastTransitionTime = known?.status === condition.status ? known.lastTransitionTime : now;
  const next: Condition = { ...condition, message: shortened(condition.message), lastTransitionTime };
  if (known === undefined) return [...list, next];
  return list.map((entry, at) => (at === index ? next : entry));
}

export function findCondition(list: readonly Condition[], type: string): Condition | undefined {
  return list.find((condition) => condition.type === type);
}

export function removeCondition(list: readonly Condition[], type: string): Condition[] {
  return list.filter((condition) => condition.type !== type);
}

function shortened(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  // no half of a character at the end
  return `${message.slice(0, MAX_MESSAGE - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
