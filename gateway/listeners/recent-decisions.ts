import type { Decision } from '../enforcement/decision.ts';
import { decisionRecord } from '../enforcement/decision-record.ts';

/** The latest decisions, for `GET /v1/decisions/{id}` and `aegis explain`. Remembering one is a store in a ring. */
export interface RecentDecisions {
  remember(decision: Decision, micros: number): void;
  find(id: string): Record<string, unknown> | undefined;
}

interface Entry {
  decision: Decision;
  micros: number;
}

export function createRecentDecisions(capacity = 1024): RecentDecisions {
  const ring: (Entry | undefined)[] = new Array(capacity).fill(undefined);
  let next = 0;
  return {
    remember(decision, micros) {
      delete decision.params;
      ring[next] = { decision, micros };
      next = (next + 1) % capacity;
    },
    find(id) {
      const entry = ring.find((candidate) => candidate?.decision.id === id);
      return entry && decisionRecord(entry.decision, entry.micros);
    },
  };
}
