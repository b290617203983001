import type { MetricsRegistry } from '../../runtime/telemetry/metrics-registry.ts';
import { systemClock } from '../../runtime/time/clock.ts';
import type { HttpTarget } from '../bundles/http-client.ts';
import { CallCounts, type CallCountsOptions } from './call-counts.ts';
import { EgressCounts, type EgressCountsOptions } from './egress-counts.ts';
import { Reporter, type ReporterOptions } from './reporter.ts';

export type ReportSettings = HttpTarget & Pick<ReporterOptions, 'instance' | 'interval' | 'random' | 'onResult'>;

const LABEL = {
  none: 'none',
  wouldDeny: 'would_deny',
  wouldAllow: 'would_allow',
  otherwise: 'otherwise',
  errors: 'error',
} as const;

/** Counting as a reader of the journal, with its metrics. */
export function countCalls(registry: MetricsRegistry, options: Omit<CallCountsOptions, 'onCompared'>): CallCounts {
  const compared = registry.counter(
    'aegis_gateway_candidate_calls_total',
    'Calls on which the other revision of a policy was evaluated as well, and what it would have changed.',
    ['policy', 'difference'],
  );
  const onCompared: CallCountsOptions['onCompared'] = (policy, difference) => compared.add([policy, LABEL[difference]]);
  const counts = new CallCounts({ ...options, onCompared });
  registry.reading(
    'counter',
    'aegis_gateway_report_overflow_total',
    'Counts of calls for which the reports have no room.',
    () => counts.overflow,
  );
  return counts;
}

/** Counting of what is no call of a tool, with its metrics. */
export function countEgress(
  registry: MetricsRegistry,
  options: Omit<EgressCountsOptions, 'onConnection'>,
): EgressCounts {
  const connections = registry.counter(
    'aegis_gateway_egress_connections_total',
    'Connections that were seen past the gateway, or to hosts of no tool, and whether they were refused.',
    ['protocol', 'refused'],
  );
  const onConnection: EgressCountsOptions['onConnection'] = ({ protocol, refused }) =>
    connections.add([protocol, String(refused)]);
  return new EgressCounts({ ...options, onConnection });
}

/**
 * Tells the operator what was counted until it is closed, which tries once more to tell the rest.
 * @throws AegisError `AEGIS_BUNDLE_INSECURE`.
 */
export function startReports(counts: CallCounts, settings: ReportSettings): { close(ms: number): Promise<void> } {
  const reporter = new Reporter({ ...settings, counts, clock: systemClock });
  const stopping = new AbortController();
  const running = reporter.run(stopping.signal);
  return {
    async close(ms) {
      stopping.abort();
      await running;
      await reporter.close(ms);
    },
  };
}
