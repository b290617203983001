/** What `aegis test` reports, whatever the format. */
import type { Reason, Verdict } from '../../policy/decision/types.ts';
import type { SourceLocation } from '../../policy/errors.ts';
import { branchCount, type Coverage, type PolicyCoverage, percentOf } from '../../policy/explain/coverage.ts';
import { reasonPlace } from '../../policy/explain/reason-place.ts';
import type { Place } from '../../policy/explain/rule-index.ts';
import type { Tracer } from '../workspace/tracer.ts';
import type { VectorResult } from './run-vectors.ts';

export interface PlacedReason extends Reason {
  place?: Place;
}

export interface ReportedVector {
  name: string;
  source: string;
  location: SourceLocation;
  status: VectorResult['status'];
  expected: Verdict;
  expectedReason?: string;
  got?: Verdict;
  note?: string;
  reasons: PlacedReason[];
  milliseconds: number;
}

export interface TestReport {
  passed: number;
  failed: number;
  skipped: number;
  vectors: ReportedVector[];
  coverage: { percent: number; covered: number; total: number; policies: PolicyCoverage[] };
}

export function testReport(results: readonly VectorResult[], coverage: Coverage, tracer: Tracer): TestReport {
  const count = (status: VectorResult['status']): number => results.filter((each) => each.status === status).length;
  const branches = branchCount(coverage.policies.flatMap(({ rules }) => rules));
  return {
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    vectors: results.map((result) => reported(result, tracer)),
    coverage: { percent: percentOf(branches), ...branches, policies: coverage.policies },
  };
}

function reported(result: VectorResult, tracer: Tracer): ReportedVector {
  const { vector, status, got, note, reasons, traced, tenant, milliseconds } = result;
  const index = tenant === undefined ? undefined : tracer.sources(tenant)?.index;
  const { name, source, location, test } = vector;
  return {
    name,
    source,
    location,
    status,
    expected: test.expect,
    ...(test.reason === undefined ? {} : { expectedReason: test.reason }),
    ...(got === undefined ? {} : { got }),
    ...(note === undefined ? {} : { note }),
    reasons: reasons.map((reason) => {
      const place = traced && index && reasonPlace(reason, traced.trace, index, traced.input);
      if (place === undefined) return reason;
      return { ...reason, place: { field: place.field, location: place.location } };
    }),
    milliseconds: Math.round(milliseconds * 1000) / 1000,
  };
}
