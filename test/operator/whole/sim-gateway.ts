/** A pod with a gateway that takes only what it has verified, and never goes back. */
import type { TenantIdentity } from '../../../operator/model/tenant-identity.ts';
import type { Replica } from '../../../operator/program/replica.ts';
import type { ToldBy } from '../../../operator/serving/gateway-table.ts';
import { toBase64, toHex } from '../../../policy/bundle/encoding.ts';
import { HEAD_FILE } from '../../../policy/bundle/file-names.ts';
import type { Manifest } from '../../../policy/bundle/manifest.ts';
import { type VerifiedSlice, verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import { AegisError } from '../../../policy/errors.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';

/** What a gateway says to what is older than what it has, or was issued by a clock that runs otherwise. */
const PATIENCE = new Set([
  'AEGIS_BUNDLE_SEQUENCE',
  'AEGIS_BUNDLE_SEQUENCE_CONFLICT',
  'AEGIS_BUNDLE_HEAD_OLDER',
  'AEGIS_BUNDLE_EXPIRED',
  'AEGIS_BUNDLE_FUTURE',
  'AEGIS_BUNDLE_KEY_WINDOW',
  'AEGIS_BUNDLE_FROZEN',
]);

export interface GatewayPod {
  namespace: string;
  name: string;
  uid: string;
}

export interface GatewayWorld {
  now(): number;
  violation(what: string): void;
  /** Some head was committed with this digest. */
  wasCommitted(digest: string): boolean;
}

export class SimGateway {
  readonly pod: GatewayPod;
  readonly #world: GatewayWorld;
  tenant: TenantIdentity | undefined;
  agentId: string | undefined;
  held: Manifest | undefined;
  /** It has more than it is offered, and shows it. */
  #ahead = false;
  /** Why it refused what it was offered last. */
  refused = '';
  slice: VerifiedSlice | undefined;

  constructor(pod: GatewayPod, world: GatewayWorld) {
    this.pod = pod;
    this.#world = world;
  }

  /** Asks one replica, as the bundle API would answer, and tells those who keep the table. */
  poll(asked: Replica, tell: readonly Replica[]): void {
    const { namespace, name, uid } = this.pod;
    // the name of the agent is the name of its pod here
    const key = `${namespace}/${name}`;
    const gone = asked.directory.tombstones(namespace).find(({ agentId }) => agentId === name);
    const agent = asked.directory.registration(key) ?? gone;
    if (agent === undefined) return;
    if (agent !== gone && asked.pods.podByUid(namespace, name, uid) === undefined) return;
    if (agent.tenant.uid !== this.tenant?.uid) {
      // another tenant is another pod in real life: its uid is pinned
      this.held = undefined;
      this.slice = undefined;
      this.tenant = agent.tenant;
    }
    this.agentId = agent.agentId;
    this.#activate(asked, agent.tenant);
    const by: ToldBy = {
      tenant: agent.tenant,
      agentId: agent.agentId,
      namespace,
      podName: name,
      podUid: uid,
      registration: key,
    };
    for (const replica of tell) {
      replica.gateways.record(by, {
        version: 1,
        instance: uid,
        tenant: agent.tenant,
        agent: agent.agentId,
        state: this.held === undefined ? 'none' : 'active',
        ...(this.held !== undefined && { sequence: this.held.sequence, etag: this.held.etag }),
        ...(this.#ahead && { head: toBase64(this.slice?.files.get(HEAD_FILE)?.bytes ?? new Uint8Array()) }),
      });
    }
  }

  #activate(asked: Replica, tenant: TenantIdentity): void {
    const bundle = asked.bundles.tenant(tenant.name, tenant.uid);
    const slice = bundle?.slice(this.agentId ?? '');
    if (bundle === undefined || slice === undefined) return;
    if (bundle.etag === this.held?.etag) {
      this.#ahead = false;
      return;
    }
    const files = new Map([...slice.files].map(([name, { bytes }]) => [name, bytes]));
    const digest = toHex(nodeCrypto.sha256(files.get(HEAD_FILE) ?? new Uint8Array()));
    try {
      const verified = verifyBundle(files, {
        keyRing: asked.keys.ring(),
        tenant: tenant.name,
        tenantUid: tenant.uid,
        agentId: this.agentId ?? '',
        now: this.#world.now(),
        crypto: nodeCrypto,
        ...(this.held !== undefined && { previous: this.held }),
      });
      if (!this.#world.wasCommitted(digest)) {
        this.#world.violation(`${this.pod.name} activated ${verified.manifest.sequence}, which was never committed`);
      }
      this.#ahead = false;
      this.held = verified.manifest;
      this.slice = verified as VerifiedSlice;
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      this.refused = error.code;
      this.#ahead = error.code.startsWith('AEGIS_BUNDLE_SEQUENCE');
      if (!PATIENCE.has(error.code)) {
        this.#world.violation(`${this.pod.name} is offered what it must refuse: ${error.code} ${error.message}`);
      }
    }
  }
}
