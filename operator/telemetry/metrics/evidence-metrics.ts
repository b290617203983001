import type { Counter, MetricsRegistry, Sample } from '../../../runtime/telemetry/metrics-registry.ts';
import { attempt } from './sources.ts';

/** What gateways have told about a candidate. */
export interface EvidenceFacts {
  /** `namespace/name`. */
  policy: string;
  calls: number;
  wouldDeny: number;
  wouldAllow: number;
  otherwise: number;
  errors: number;
}

/** Policies that are shown one by one; the others are summed up as `other`. */
const MAX_POLICIES = 200;
const COUNTS = ['calls', 'wouldDeny', 'wouldAllow', 'otherwise', 'errors'] as const;
const LABELS = {
  calls: 'calls',
  wouldDeny: 'would_deny',
  wouldAllow: 'would_allow',
  otherwise: 'otherwise',
  errors: 'error',
};

/** What gateways tell: acknowledgements, reports, and how candidates would have decided. */
export class EvidenceMetrics {
  readonly #acknowledgements: Counter;
  readonly #reports: Counter;
  #evidence: (() => Iterable<EvidenceFacts>) | undefined;

  constructor(registry: MetricsRegistry) {
    this.#acknowledgements = registry.counter(
      'aegis_operator_acknowledgements_total',
      'Acknowledgements of gateways.',
      ['result'],
    );
    this.#reports = registry.counter('aegis_operator_reports_total', 'Reports of gateways.', ['result']);
    registry.reading(
      'gauge',
      'aegis_operator_candidate_calls',
      'Calls that were compared with a candidate of a policy, and how it would have decided otherwise.',
      () => evidenceSamples([...(attempt(() => this.#evidence?.()) ?? [])]),
      ['policy', 'result'],
    );
  }

  acknowledged(result: 'accepted' | 'refused'): void {
    this.#acknowledgements.add([result]);
  }

  reported(result: 'accepted' | 'refused'): void {
    this.#reports.add([result]);
  }

  readEvidence(read: () => Iterable<EvidenceFacts>): void {
    this.#evidence = read;
  }
}

/** Those with the most differences by name, the rest in one. */
function evidenceSamples(all: EvidenceFacts[]): Sample[] {
  const differences = ({ wouldDeny, wouldAllow, otherwise, errors }: EvidenceFacts): number =>
    wouldDeny + wouldAllow + otherwise + errors;
  const shown = all.length <= MAX_POLICIES ? all : all.sort((a, b) => differences(b) - differences(a));
  const samples = shown.slice(0, MAX_POLICIES).flatMap((facts) => samplesOf(facts));
  const rest = shown.slice(MAX_POLICIES);
  if (rest.length > 0) {
    const sum = { policy: 'other', calls: 0, wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 0 };
    for (const facts of rest) for (const count of COUNTS) sum[count] += facts[count];
    samples.push(...samplesOf(sum));
  }
  return samples;
}

function samplesOf(facts: EvidenceFacts): Sample[] {
  return COUNTS.map((count) => ({ value: facts[count], labels: [facts.policy, LABELS[count]] }));
}
