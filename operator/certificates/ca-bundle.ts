import type { Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from '../kube/kube-error.ts';
import { Reflector } from '../kube/reflector.ts';
import type { JsonPatchOperation, KubeClient, KubeObject, ResourceType } from '../kube/types.ts';
import { Bell } from './bell.ts';
import type { CertificateSource } from './certificate-source.ts';
import { bundleHolds, certificatesOf } from './pem-bundle.ts';
import type { BundleConsumer } from './serving-certificate.ts';

export const VALIDATING_WEBHOOKS: ResourceType = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingwebhookconfigurations',
  kind: 'ValidatingWebhookConfiguration',
  namespaced: false,
};

const MUTATING_WEBHOOKS: ResourceType = {
  ...VALIDATING_WEBHOOKS,
  plural: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
};

/** Name of the configuration in config/webhook that judges resources. */
export const VALIDATION_WEBHOOK = 'aegis-validation';

/** All configurations in config/webhook. */
export const WEBHOOK_CONFIGURATIONS: readonly { type: ResourceType; name: string }[] = [
  { type: VALIDATING_WEBHOOKS, name: VALIDATION_WEBHOOK },
  { type: MUTATING_WEBHOOKS, name: 'aegis-injection' },
  { type: VALIDATING_WEBHOOKS, name: 'aegis-pods' },
];

interface WebhookConfiguration extends KubeObject {
  webhooks?: { name: string; clientConfig: { caBundle?: string } }[];
}

export interface CaBundleOptions {
  client: KubeClient;
  /** Of the configuration. */
  type: ResourceType;
  name: string;
  certificate: CertificateSource;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  log?: Logger;
}

const FIELD_MANAGER = 'aegis-webhook-ca';
/** Attempts in a minute; after them one a minute: somebody else who writes all the time is not outrun. */
const FAST_ATTEMPTS = 5;
const FAST = 200;
const SLOW = 60_000;
/** Looked at again without a reason; a change of the object or of the certificate is one. */
const IDLE = 600_000;

/**
 * Keeps `caBundle` of every webhook of one configuration at the CAs of the serving certificate, and at nothing else:
 * everything but this field is left as the manifest has it. Runs on the leader.
 */
export class CaBundle implements BundleConsumer {
  readonly #options: CaBundleOptions;
  readonly #reflector: Reflector<WebhookConfiguration>;

  constructor(options: CaBundleOptions) {
    const { client, type, name, clock, random } = options;
    this.#options = options;
    const selection = { fieldSelector: `metadata.name=${name}` };
    this.#reflector = new Reflector({ client, type, selection, clock, random });
  }

  /** As it was seen last; a configuration that is not there hands out nothing, and calls nobody. */
  holds(caBundle: string): boolean {
    if (!this.#reflector.synced) return false;
    const { webhooks = [] } = this.#reflector.get(this.#options.name) ?? {};
    return webhooks.every(({ clientConfig }) => bundleHolds(decoded(clientConfig.caBundle), caBundle));
  }

  /** Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, certificate } = this.#options;
    const bell = new Bell(clock);
    const ring = () => bell.ring();
    const stops = [this.#reflector.subscribe(ring), certificate.subscribe(ring)];
    const following = this.#reflector.run(signal);
    let recent: number[] = [];
    while (!signal.aborted) {
      const wrote = await this.#put(signal);
      if (signal.aborted) break;
      if (wrote === 'nothing') {
        await bell.wait(IDLE, signal);
        continue;
      }
      const now = clock.monotonic();
      recent = [...recent.filter((at) => now - at < SLOW), now];
      await clock.sleep(recent.length < FAST_ATTEMPTS ? FAST : SLOW, signal);
    }
    for (const stop of stops) stop();
    await following;
  }

  async #put(signal: AbortSignal): Promise<'nothing' | 'written' | 'failed'> {
    const { client, type, name, certificate, log } = this.#options;
    try {
      await this.#reflector.whenSynced(signal);
      const { caBundle } = certificate.current();
      const { webhooks = [] } = this.#reflector.get(name) ?? {};
      const operations = webhooks.flatMap((webhook, index) => patchOf(webhook, index, caBundle));
      if (operations.length === 0) return 'nothing';
      await client.jsonPatch(type, { name }, operations, { signal, fieldManager: FIELD_MANAGER });
      log?.info('ca-bundle', { configuration: name, authorities: certificatesOf(caBundle).length });
      return 'written';
    } catch (error) {
      const known = error instanceof KubeError ? { status: error.status, reason: error.reason } : {};
      if (!signal.aborted) log?.warn('ca-bundle-failed', { code: 'AEGIS_CA_BUNDLE', configuration: name, ...known });
      return 'failed';
    }
  }
}

type Webhook = NonNullable<WebhookConfiguration['webhooks']>[number];

/** Nothing where it is right already; a webhook that is no longer in its place refuses the whole patch. */
function patchOf({ name, clientConfig }: Webhook, index: number, caBundle: string): JsonPatchOperation[] {
  const there = decoded(clientConfig.caBundle);
  if (bundleHolds(there, caBundle) && bundleHolds(caBundle, there)) return [];
  const value = Buffer.from(caBundle).toString('base64');
  return [
    { op: 'test', path: `/webhooks/${index}/name`, value: name },
    { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value },
  ];
}

function decoded(caBundle: string | undefined): string {
  return Buffer.from(caBundle ?? '', 'base64').toString('utf8');
}
