import type { MetricsRegistry } from '../../runtime/telemetry/metrics-registry.ts';

/** Counters of the bundle API; made once per registry. */
export interface ServingMetrics {
  /** One more answer of a route. */
  answered(route: string, status: number): void;
  reviewed(result: 'accepted' | 'refused' | 'failed'): void;
  relayed(result: 'sent' | 'failed', items: number): void;
}

export interface ServingGauges {
  /** Requests that wait for something new. */
  waiting(): number;
  /** Gateways whose acknowledgement is known here. */
  gateways(): number;
}

export function servingMetrics(registry: MetricsRegistry, gauges: ServingGauges): ServingMetrics {
  const answers = registry.counter(
    'aegis_operator_bundle_api_answers_total',
    'Answers of the bundle API, by route and status.',
    ['route', 'status'],
  );
  const reviews = registry.counter(
    'aegis_operator_token_reviews_total',
    'TokenReviews of gateways: accepted, refused, or without an answer.',
    ['result'],
  );
  const relayed = registry.counter(
    'aegis_operator_relayed_total',
    'Acknowledgements and reports passed on to the leading replica, or not yet because it failed.',
    ['result'],
  );
  registry.reading(
    'gauge',
    'aegis_operator_bundle_api_waiting',
    'Requests of gateways that wait for something new.',
    gauges.waiting,
  );
  registry.reading(
    'gauge',
    'aegis_operator_gateways',
    'Gateways whose latest acknowledgement is known to this replica.',
    gauges.gateways,
  );
  return {
    answered: (route, status) => answers.add([route, String(status)]),
    reviewed: (result) => reviews.add([result]),
    relayed: (result, items) => relayed.add([result], items),
  };
}
