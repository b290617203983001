import type { Counter, Histogram, MetricsRegistry } from '../../../runtime/telemetry/metrics-registry.ts';
import { Sources } from './sources.ts';

/** The validating webhook, and the certificates that the operator serves with. */
export class WebhookMetrics {
  readonly #reviews: Histogram;
  readonly #rotations: Counter;
  readonly #certificates = new Sources<number>();

  constructor(registry: MetricsRegistry) {
    this.#reviews = registry.histogram(
      'aegis_operator_admission_duration_seconds',
      'Time to judge a resource that is being written.',
      ['kind', 'result'],
      [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    );
    this.#rotations = registry.counter(
      'aegis_operator_certificate_rotations_total',
      'Certificates that were renewed.',
      ['certificate'],
    );
    registry.reading(
      'gauge',
      'aegis_operator_certificate_expiry_timestamp_seconds',
      'When the certificate in use expires, since the epoch.',
      () => this.#certificates.samples((expiry) => expiry / 1000),
      ['certificate'],
    );
  }

  admitted(kind: string, result: 'allowed' | 'refused' | 'failed', ms: number): void {
    this.#reviews.observe(ms / 1000, [kind, result]);
  }

  rotated(certificate: 'ca' | 'serving'): void {
    this.#rotations.add([certificate]);
  }

  /** `expiry` in ms since the epoch; undefined while there is none. */
  addCertificate(certificate: 'ca' | 'serving', expiry: () => number | undefined): void {
    this.#certificates.add(certificate, expiry);
  }
}
