import { AegisError } from '../../policy/errors.ts';
import { MAX_COUNTS, MAX_EGRESS } from '../../policy/wire/gateway-report.ts';
import type { CandidateCount, EgressObservation, GatewayReport, ViolationCount } from '../model/gateway-report.ts';
import type { ToldBy } from './gateway-table.ts';
import { candidateKey, egressKey, violationKey } from './read-gateway-bodies.ts';

/** Counters of one kind that are kept of one boot: more than a gateway tells apart. */
const MAX_KEPT = 1024;

/** What one start of a gateway has counted. */
export interface Boot {
  by: ToldBy;
  boot: string;
  /** RFC 3339. */
  since: string;
  /** ms, monotonic. */
  receivedAt: number;
  /** Each as it was when this table first heard of it. */
  first: ReadonlyMap<string, CandidateCount>;
  candidates: ReadonlyMap<string, CandidateCount>;
  violations: ReadonlyMap<string, ViolationCount>;
  egress: ReadonlyMap<string, EgressObservation>;
  overflow: number;
}

/** The boot after a report of it. @throws AegisError `AEGIS_SERVING_COUNTERS`: counters went down */
export function bootAfter(before: Boot | undefined, by: ToldBy, report: GatewayReport, receivedAt: number): Boot {
  const { boot, since, overflow } = report;
  const candidates = merged(before?.candidates, report.candidates, candidateKey, candidateFields);
  const violations = merged(before?.violations, report.violations, violationKey, ({ calls }) => [calls]);
  const egress = merged(before?.egress, report.egress ?? [], egressKey, ({ connections }) => [connections], MAX_EGRESS);
  if (overflow < (before?.overflow ?? 0)) throw wentDown();
  const { tenant, agentId, namespace, podName, podUid, registration } = by;
  return {
    by: { tenant, agentId, namespace, podName, podUid, registration },
    boot,
    since: before?.since ?? since,
    receivedAt,
    first: firstOf(before?.first, candidates),
    candidates,
    violations,
    egress,
    overflow,
  };
}

/** Everything that is known of it, in as many reports as it takes. */
export function reportsOf({ by, boot, since, candidates, violations, egress, overflow }: Boot): GatewayReport[] {
  const [ofCandidates, ofViolations] = [pieces(candidates), pieces(violations)];
  return Array.from({ length: Math.max(1, ofCandidates.length, ofViolations.length) }, (_, index) => ({
    version: 1,
    instance: by.podUid,
    boot,
    since,
    candidates: ofCandidates[index] ?? [],
    violations: ofViolations[index] ?? [],
    overflow,
    // all of them fit into one
    ...(index === 0 && egress.size > 0 && { egress: [...egress.values()] }),
  }));
}

function pieces<T>(counts: ReadonlyMap<string, T>): T[][] {
  const all = [...counts.values()];
  const lists: T[][] = [];
  for (let start = 0; start < all.length; start += MAX_COUNTS) lists.push(all.slice(start, start + MAX_COUNTS));
  return lists;
}

/** The same object where nothing is new: that is so for most reports. */
function firstOf<T>(first: ReadonlyMap<string, T> | undefined, now: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  if (first === undefined) return now;
  const fresh = [...now].filter(([key]) => !first.has(key));
  return fresh.length === 0 ? first : new Map([...[...first].filter(([key]) => now.has(key)), ...fresh]);
}

/** A counter that a report leaves out has not changed. */
function merged<T>(
  before: ReadonlyMap<string, T> | undefined,
  counts: readonly T[],
  keyOf: (count: T) => string,
  fields: (count: T) => readonly number[],
  max = MAX_KEPT,
): ReadonlyMap<string, T> {
  const all = new Map(before);
  for (const count of counts) {
    const key = keyOf(count);
    const earlier = before?.get(key);
    const values = fields(count);
    if (earlier !== undefined && fields(earlier).some((value, index) => value > (values[index] ?? 0))) throw wentDown();
    all.delete(key);
    all.set(key, count);
  }
  for (const key of all.keys()) {
    if (all.size <= max) break;
    all.delete(key);
  }
  return all;
}

function candidateFields({ calls, wouldDeny, wouldAllow, otherwise, errors }: CandidateCount): number[] {
  return [calls, wouldDeny, wouldAllow, otherwise, errors];
}

function wentDown(): AegisError {
  return new AegisError('AEGIS_SERVING_COUNTERS', 'counters went down within one start of the gateway');
}
