/** The known name that `name` was probably meant to be, or undefined when none is close. */
export function suggestName(name: string, known: readonly string[]): string | undefined {
  const plain = normalise(name);
  const same = known.find((candidate) => normalise(candidate) === plain);
  if (same !== undefined) return same;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(plain, normalise(candidate), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `Did you mean stripe?`, or undefined when no known name is close. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  const meant = suggestName(name, [...known]);
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}

/** `agent_id`, `agent-id`, `AgentID` and `agentId` are the same name in other spellings. */
function normalise(name: string): string {
  return name.slice(0, 64).replace(/[_-]/g, '').toLowerCase();
}

/** Insertions, deletions, replacements and swaps of neighbours between two texts; `limit` when it is at least that. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(beforePrevious, j - 2) + 1);
      }
      row.push(cost);
    }
    beforePrevious = previous;
    previous = row;
  }
  return Math.min(at(previous, b.length), limit);
}

function at(row: number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
