import { Activations } from '../../../gateway/activation/activations.ts';
import type { SourceSink } from '../../../gateway/bundles/bundle-source.ts';
import type { BundleEvent } from '../../../gateway/bundles/bundle-status.ts';
import type { BundleStore } from '../../../gateway/bundles/bundle-store.ts';
import { BundleUpdater, type BundleUpdaterOptions } from '../../../gateway/bundles/bundle-updater.ts';
import type { KeyRing } from '../../../policy/bundle/key-ring.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { FakeClock } from './fake-clock.ts';
import { AGENT, RING, T0, TENANT } from './publisher.ts';

/** An updater with everything real but time, and one source that the test plays. */
export function gateway(options: Partial<BundleUpdaterOptions> & { ring?: KeyRing; store?: BundleStore } = {}) {
  const { ring = RING, ...rest } = options;
  const clock = new FakeClock(T0 + 1_000);
  const activations = new Activations();
  const trusted = { ring };
  const updater = new BundleUpdater({
    activations,
    tenant: TENANT,
    agentId: AGENT,
    trustedKeys: async () => ({ ...trusted }),
    crypto: nodeCrypto,
    clock,
    random: () => 0.5,
    ...rest,
  });
  const events: BundleEvent[] = [];
  updater.subscribe((event) => events.push(event));
  let sink: SourceSink | undefined;
  return {
    clock: (rest.clock ?? clock) as FakeClock,
    activations,
    updater,
    events,
    trusted,
    get sink(): SourceSink {
      sink ??= updater.connect({ kind: 'http', place: 'test' });
      return sink;
    },
    get active() {
      return activations.get(TENANT);
    },
  };
}
