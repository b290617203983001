import { MetricsRegistry } from '../../runtime/telemetry/metrics-registry.ts';
import { addProcessMetrics } from '../../runtime/telemetry/process-metrics.ts';
import type { OperatorHealth } from './health.ts';
import { EvidenceMetrics } from './metrics/evidence-metrics.ts';
import { KubeMetrics } from './metrics/kube-metrics.ts';
import { PublishMetrics } from './metrics/publish-metrics.ts';
import { ReconcileMetrics } from './metrics/reconcile-metrics.ts';
import { WebhookMetrics } from './metrics/webhook-metrics.ts';

export interface OperatorMetricsOptions {
  version: string;
  /** ms since the epoch, when the process started. */
  started: number;
  /** ms; the clock of `WatchFacts`. */
  monotonic(): number;
  /** For the gauges `aegis_operator_ready` and `aegis_operator_live`. */
  health: Pick<OperatorHealth, 'ready' | 'live'>;
}

/** All metrics of the operator, by what they are about; each group is handed to the parts that it concerns. */
export class OperatorMetrics {
  readonly kube: KubeMetrics;
  readonly reconcile: ReconcileMetrics;
  readonly publish: PublishMetrics;
  readonly evidence: EvidenceMetrics;
  readonly webhook: WebhookMetrics;
  /** For parts that bring metrics of their own. */
  readonly registry = new MetricsRegistry();

  constructor({ monotonic, health, ...build }: OperatorMetricsOptions) {
    const { registry } = this;
    registry.reading('gauge', 'aegis_operator_ready', 'Whether this replica can serve.', () =>
      Number(health.ready().ok),
    );
    registry.reading('gauge', 'aegis_operator_live', 'Whether this replica works.', () => Number(health.live().ok));
    this.kube = new KubeMetrics(registry, monotonic);
    this.reconcile = new ReconcileMetrics(registry);
    this.publish = new PublishMetrics(registry);
    this.evidence = new EvidenceMetrics(registry);
    this.webhook = new WebhookMetrics(registry);
    addProcessMetrics(registry, 'operator', build);
  }

  /** Prometheus' text format. */
  text(): string {
    return this.registry.text();
  }
}
