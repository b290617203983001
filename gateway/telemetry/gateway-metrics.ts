import type { MetricsRegistry, Sample } from '../../runtime/telemetry/metrics-registry.ts';
import type { BundleStatus } from '../bundles/bundle-status.ts';
import { type HealthParts, notReady } from './health.ts';

/** Metrics of the gateway's parts, read from the same places as its health. */
export function addGatewayMetrics(registry: MetricsRegistry, parts: HealthParts): void {
  const bundle = (): BundleStatus | undefined => parts.bundle?.();
  const flag = (value: boolean): number => (value ? 1 : 0);
  const byCode = (counts: Readonly<Partial<Record<string, number>>> = {}): Sample[] =>
    Object.entries(counts).map(([code, value = 0]) => ({ value, labels: [code] }));

  registry.reading('gauge', 'aegis_gateway_calls_in_flight', 'Calls whose answer has not ended.', parts.inFlight);
  registry.reading('gauge', 'aegis_gateway_ready', 'Whether calls can be decided here.', () =>
    flag(notReady(parts) === undefined),
  );

  registry.reading(
    'gauge',
    'aegis_gateway_bundle_sequence',
    'Sequence of the bundle in force.',
    () => parts.activations.list().map(({ tenant, sequence }) => ({ value: sequence, labels: [tenant] })),
    ['tenant'],
  );
  registry.reading('gauge', 'aegis_gateway_bundle_age_seconds', 'Since the head in force was issued.', () => {
    const age = bundle()?.age;
    return age === undefined ? undefined : age / 1000;
  });
  registry.reading('gauge', 'aegis_gateway_bundle_stale', 'Whether the bundle is too old.', () => {
    const state = bundle()?.state;
    return state === undefined ? undefined : flag(state === 'stale');
  });
  registry.reading(
    'counter',
    'aegis_gateway_bundle_activations_total',
    'Bundles that came into force.',
    () => bundle()?.activations,
  );
  registry.reading(
    'counter',
    'aegis_gateway_bundle_refusals_total',
    'Bundles that were refused.',
    () => byCode(bundle()?.refusals),
    ['code'],
  );
  registry.reading(
    'counter',
    'aegis_gateway_bundle_failures_total',
    'Attempts to get a bundle that brought none.',
    () => byCode(bundle()?.failures),
    ['code'],
  );

  const { acknowledge } = parts;
  if (acknowledge !== undefined) {
    registry.reading(
      'gauge',
      'aegis_gateway_bundle_acknowledge_failing',
      'Whether the operator could not be told last what is in force.',
      () => flag(acknowledge() !== undefined),
    );
  }

  registry.reading('gauge', 'aegis_gateway_limits_available', 'Whether the store of limits can be reached.', () =>
    flag(parts.limits().available),
  );

  const log = parts.log;
  if (log !== undefined) {
    registry.reading(
      'counter',
      'aegis_gateway_log_lines_total',
      'Lines of the decision log: delivered, spilled to disk on the way, or dropped.',
      () => {
        const { delivered, spilled, dropped } = log();
        return [
          { value: delivered, labels: ['delivered'] },
          { value: spilled, labels: ['spilled'] },
          { value: dropped, labels: ['dropped'] },
        ];
      },
      ['result'],
    );
    registry.reading(
      'gauge',
      'aegis_gateway_log_waiting_bytes',
      'Decision log that waits to be delivered.',
      () => {
        const { memoryBytes, spillBytes } = log();
        return [
          { value: memoryBytes, labels: ['memory'] },
          { value: spillBytes, labels: ['disk'] },
        ];
      },
      ['where'],
    );
    registry.reading('gauge', 'aegis_gateway_log_full', 'Whether the decision log can take nothing more.', () =>
      flag(log().full),
    );
  }
  const traces = parts.traces;
  if (traces !== undefined) {
    registry.reading(
      'counter',
      'aegis_gateway_spans_total',
      'Spans: exported to the collector, or dropped.',
      () => {
        const { exported, dropped } = traces();
        return [
          { value: exported, labels: ['exported'] },
          { value: dropped, labels: ['dropped'] },
        ];
      },
      ['result'],
    );
  }
}
