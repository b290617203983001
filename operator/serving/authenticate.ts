import { AegisError } from '../../policy/errors.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { type KubeClient, keyOf } from '../kube/types.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { registrationsOfPod } from '../workloads/match-pods.ts';
import type { PodIndex } from '../workloads/pod-index.ts';
import { hasFinished, type PodView } from '../workloads/pod-view.ts';
import { type BoundPod, boundPod } from './bound-pod.ts';
import { Gate } from './gate.ts';
import { PodFinder } from './pod-finder.ts';
import { RateLimit } from './rate-limit.ts';
import type { DirectoryAgent, TenantDirectory } from './tenant-directory.ts';
import { bearerToken } from './token-claims.ts';
import { TokenReviewer } from './token-reviewer.ts';

/** Audience of the tokens of gateways. */
export const GATEWAY_AUDIENCE = 'aegis.dev';

/** Whom a request comes from, as far as it counts: nothing of it is the request's own word. */
export interface AuthenticatedAgent {
  tenant: TenantIdentity;
  agentId: string;
  namespace: string;
  podName: string;
  podUid: string;
  /** `namespace/name` of the AgentRegistration. */
  registration: string;
  /** The registration is gone: there is only a refusing slice. */
  tombstoned: boolean;
  /** What the token is bound to. */
  bound: BoundPod;
  /** As the request named it. */
  asked?: AskedTenant;
}

/**
 * The tenant that a gateway belongs to by its pod's word. It only chooses among those that the pod belongs to or has
 * belonged to: of a tenant that is gone there is nothing left but what refuses everything.
 */
export interface AskedTenant {
  name: string;
  uid?: string;
}

export interface Credentials {
  /** The header as it came. */
  authorization: string | undefined;
  /** Network address of whoever asks. */
  address: string;
  asked?: AskedTenant;
}

export interface AgentAuthenticator {
  /** @throws AegisError of the `AEGIS_SERVING_` codes. */
  authenticate(credentials: Credentials): Promise<AuthenticatedAgent>;
  /** The same pod a while later, as it counts now. @throws as `authenticate` does. */
  again(agent: AuthenticatedAgent): Promise<AuthenticatedAgent>;
}

export interface AuthenticatorOptions {
  client: Pick<KubeClient, 'post' | 'get'>;
  clock: Clock;
  pods: Pick<PodIndex, 'podByUid' | 'knows' | 'registrationsIn' | 'knowsRegistrations'>;
  directory: TenantDirectory;
  /** Requests to the API server at once; 16 when absent. */
  concurrency?: number;
  onReview?(result: 'accepted' | 'refused' | 'failed'): void;
}

const CONCURRENCY = 16;
const MAX_WAITING = 4096;
/** Refused tokens per network address; gateways behind one address share it, so it is no tight one. */
const FAILURES = { burst: 50, perSecond: 5, maxKeys: 10_000 };

/**
 * Bearer token → pod → agent. The token must be for us and bound to a pod, the pod must be there with the same uid, and
 * exactly one registration must match it. Only what the API server says of the token is remembered: pod and
 * registration are looked at anew for every request, from memory.
 */
export class Authenticator implements AgentAuthenticator {
  readonly #options: AuthenticatorOptions;
  readonly #tokens: TokenReviewer;
  readonly #finder: PodFinder;
  readonly #failures: RateLimit;

  constructor(options: AuthenticatorOptions) {
    const { client, clock, pods, concurrency = CONCURRENCY, onReview } = options;
    const gate = new Gate({ concurrency, maxWaiting: MAX_WAITING });
    this.#options = options;
    this.#tokens = new TokenReviewer({
      client,
      clock,
      audience: GATEWAY_AUDIENCE,
      gate,
      ...(onReview !== undefined && { onReview }),
    });
    this.#finder = new PodFinder({ client, clock, index: pods, gate });
    this.#failures = new RateLimit({ clock, ...FAILURES });
  }

  async authenticate({ authorization, address, asked }: Credentials): Promise<AuthenticatedAgent> {
    const token = bearerToken(authorization);
    const { pods, directory } = this.#options;
    if (!directory.ready || !pods.knowsRegistrations) {
      throw new AegisError('AEGIS_SERVING_NOT_READY', 'registrations are still being read');
    }
    return this.#resolve(boundPod(await this.#review(token, address)), asked);
  }

  again({ bound, asked }: AuthenticatedAgent): Promise<AuthenticatedAgent> {
    return this.#resolve(bound, asked);
  }

  async #review(token: string, address: string) {
    const known = this.#tokens.remembers(token);
    if (!known && this.#failures.isEmpty(address)) {
      throw new AegisError('AEGIS_SERVING_BUSY', 'too many tokens from this address were refused');
    }
    try {
      return await this.#tokens.review(token);
    } catch (error) {
      if (!known && error instanceof AegisError && error.code === 'AEGIS_SERVING_TOKEN') this.#failures.take(address);
      throw error;
    }
  }

  async #resolve(bound: BoundPod, asked: AskedTenant | undefined): Promise<AuthenticatedAgent> {
    const { namespace, podName, podUid } = bound;
    const pod = await this.#finder.find(namespace, podName, podUid);
    if (pod === undefined) throw new AegisError('AEGIS_SERVING_POD', 'the pod of the token does not exist');
    checkPod(pod, bound);
    const { key, agent, tombstoned } = this.#agentOf(pod, asked);
    return {
      tenant: agent.tenant,
      agentId: agent.agentId,
      namespace,
      podName,
      podUid,
      registration: key,
      tombstoned,
      bound,
      ...(asked !== undefined && { asked }),
    };
  }

  #agentOf(pod: PodView, asked: AskedTenant | undefined): Found & { tombstoned: boolean } {
    const current = this.#currentOf(pod);
    const fits = asked === undefined || (current !== undefined && isOf(current, asked));
    if (current !== undefined && fits) return { ...current, tombstoned: false };
    const former = this.#tombstonesOf(pod);
    // the tenant that the gateway belongs to is gone, or has given the namespace away
    const own = asked === undefined ? [] : former.filter((each) => isOf(each, asked));
    const [found, second] = own.length === 1 ? own : former;
    if (current !== undefined && own.length !== 1) return { ...current, tombstoned: false };
    if (second !== undefined) {
      throw new AegisError('AEGIS_SERVING_AMBIGUOUS', 'several deleted AgentRegistrations match the pod');
    }
    if (found === undefined) {
      throw new AegisError('AEGIS_SERVING_UNREGISTERED', 'no accepted AgentRegistration matches the pod');
    }
    return { ...found, tombstoned: true };
  }

  #currentOf(pod: PodView): Found | undefined {
    const { pods, directory } = this.#options;
    const [registration, second] = registrationsOfPod(pod, pods.registrationsIn(pod.namespace));
    if (second !== undefined) {
      throw new AegisError('AEGIS_SERVING_AMBIGUOUS', 'several AgentRegistrations match the pod');
    }
    if (registration === undefined) return undefined;
    const key = keyOf(registration);
    const agent = directory.registration(key);
    if (agent === undefined || directory.tenantOf(pod.namespace)?.uid !== agent.tenant.uid) return undefined;
    return { key, agent };
  }

  #tombstonesOf(pod: PodView): Found[] {
    return this.#options.directory
      .tombstones(pod.namespace)
      .filter(({ registration }) => registrationsOfPod(pod, [registration]).length > 0)
      .map(({ registration, agentId, tenant }) => ({ key: keyOf(registration), agent: { agentId, tenant } }));
  }
}

interface Found {
  key: string;
  agent: DirectoryAgent;
}

function isOf({ agent: { tenant } }: Found, { name, uid = tenant.uid }: AskedTenant): boolean {
  return tenant.name === name && tenant.uid === uid;
}

function checkPod(pod: PodView, { serviceAccount, nodeName }: BoundPod): void {
  if (pod.deleting || hasFinished(pod)) throw new AegisError('AEGIS_SERVING_POD', 'the pod of the token ends');
  if (pod.serviceAccountName !== serviceAccount) {
    throw new AegisError('AEGIS_SERVING_POD', 'the pod of the token runs as another ServiceAccount');
  }
  if (nodeName !== undefined && pod.nodeName !== nodeName) {
    throw new AegisError('AEGIS_SERVING_POD', 'the pod of the token is on another node');
  }
}
