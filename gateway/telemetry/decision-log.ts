import { decisionRecord, outcomeRecord } from '../enforcement/decision-record.ts';
import type { JournalReaders } from './call-journal.ts';
import { parseTraceparent } from './traceparent.ts';

/**
 * One JSON line per call (`kind: decision`); a call that takes long has its outcome on a second one (`kind: outcome`),
 * under the same `decision_id`. Never a parameter value.
 */
export function decisionLogLines(append: (line: string) => void): JournalReaders {
  return {
    line({ decision, info, outcome }) {
      const { via, micros, traceparent } = info;
      const trace = parseTraceparent(traceparent);
      const record = {
        kind: 'decision',
        ...decisionRecord(decision, Math.round(micros), { via, ...(outcome !== undefined && { outcome }) }),
        ...(trace !== undefined && { trace_id: trace.traceId }),
      };
      append(`${JSON.stringify(record)}\n`);
    },
    lateOutcome({ decision: { id, at }, outcome }) {
      if (outcome === undefined) return;
      const time = new Date(at + outcome.millis).toISOString();
      append(`${JSON.stringify({ kind: 'outcome', decision_id: id, time, outcome: outcomeRecord(outcome) })}\n`);
    },
  };
}
