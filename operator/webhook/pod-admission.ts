import { AegisError, ERRORS, type ErrorCode } from '../../policy/errors.ts';
import { CAPTURE_CONTAINER, GATEWAY_CONTAINER, STAMP_ANNOTATION } from '../../policy/wire/pod-contract.ts';
import { checkPod } from '../injection/check-pod.ts';
import { decidePod, type PodDecision } from '../injection/decide-pod.ts';
import { injectPod } from '../injection/inject-pod.ts';
import { patchOf } from '../injection/json-patch.ts';
import type { AdmittedPod, InjectionFacts, InjectionSettings, NamespaceFacts } from '../injection/types.ts';
import type { KubeObject } from '../kube/types.ts';
import { matchesSelector, type RegistrationLike } from '../workloads/match-pods.ts';
import type { AdmissionRequest, AdmissionResponse } from './admission-review.ts';
import { warningLines } from './finding-text.ts';

export const INJECT_PATH = '/inject';
export const CHECK_PATH = '/check';

/** What is known of agents; `PodFacts` of the replica. */
export interface PodKnowledge {
  readonly ready: boolean;
  namespace(name: string): NamespaceFacts | undefined;
  registrations(namespace: string): readonly RegistrationLike[];
  unusable(namespace: string): readonly RegistrationLike[];
  registration(namespace: string, name: string): KubeObject | undefined;
  facts(namespace: string, name: string): InjectionFacts | undefined;
  expected(namespace: string, name: string): readonly InjectionFacts[];
}

export interface PodAdmissionOptions {
  knowledge: PodKnowledge;
  /** Undefined where the operator was told no image. */
  settings: InjectionSettings | undefined;
  digest(text: string): string;
  /** The namespace as the API server has it: it may be newer than the copy. */
  fetchNamespace(name: string): Promise<NamespaceFacts | undefined>;
  /** Registrations of the namespace that the API server has and this replica has not read; names. */
  unreadRegistrations(namespace: string): Promise<readonly string[]>;
  /** An Event on a registration. */
  record(event: PodEvent): void;
}

export interface PodEvent {
  regarding: KubeObject;
  type: 'Warning';
  reason: 'PodRefused' | 'PodUnguarded';
  action: 'Admit';
  note: string;
}

interface Refusal {
  code: ErrorCode;
  message: string;
  about?: readonly string[];
  /** Whoever asks again later may be answered otherwise. */
  passing?: boolean;
}

interface PodRequest {
  request: AdmissionRequest;
  pod: AdmittedPod;
  namespace: NamespaceFacts;
  settings: InjectionSettings;
}

/** HTTP codes in the status of a refusal, as the API server passes them on. */
const FORBIDDEN = { code: 403, reason: 'Forbidden' } as const;
const UNAVAILABLE = { code: 503, reason: 'ServiceUnavailable' } as const;

/** What is put into pods of agents as they are created, and whether it is still there at the end of their admission. */
export class PodAdmission {
  readonly #options: PodAdmissionOptions;

  constructor(options: PodAdmissionOptions) {
    this.#options = options;
  }

  /** `POST /inject`, mutating. */
  readonly inject = (request: AdmissionRequest): Promise<AdmissionResponse> =>
    this.#judge(request, (asked, decision) => {
      const { pod, namespace, settings } = asked;
      if (decision.kind === 'leave') return this.#left(asked, decision);
      const facts = this.#options.knowledge.facts(namespace.name, decision.registration);
      if (facts === undefined) return this.#refuse(request, namespace.name, conflictOf(decision.registration));
      const { pod: injected, warnings } = injectPod(pod, facts, namespace, settings, this.#options.digest);
      const patch = Buffer.from(JSON.stringify(patchOf(pod, injected))).toString('base64');
      return { ...allowed(request, warnings), patchType: 'JSONPatch', patch };
    });

  /** `POST /check`, validating: runs after everybody who may change the pod. */
  readonly check = (request: AdmissionRequest): Promise<AdmissionResponse> =>
    this.#judge(request, (asked, decision) => {
      const { pod, namespace, settings } = asked;
      if (decision.kind === 'leave') return this.#checkStranger(asked);
      const expected = this.#options.knowledge.expected(namespace.name, decision.registration);
      if (expected.length === 0) return this.#refuse(request, namespace.name, conflictOf(decision.registration));
      const candidates = expected.map((facts) => ({ facts, namespace, settings }));
      const findings = checkPod(pod, candidates, this.#options.digest);
      if (findings.length === 0) return allowed(request);
      const about = [decision.registration];
      return this.#refuse(request, namespace.name, { code: 'AEGIS_INJECT_DIFFERS', message: textOf(findings), about });
    });

  async #judge(
    request: AdmissionRequest,
    then: (
      asked: PodRequest,
      decision: Exclude<PodDecision, { kind: 'refuse' }>,
    ) => AdmissionResponse | Promise<AdmissionResponse>,
  ): Promise<AdmissionResponse> {
    const { uid, operation, object, namespace: name = '', subResource } = request;
    if (operation !== 'CREATE' || subResource !== undefined || object?.kind !== 'Pod') return { uid, allowed: true };
    const { knowledge, settings, fetchNamespace } = this.#options;
    const pod = object as unknown as AdmittedPod;
    if (settings === undefined || !knowledge.ready) return this.#refuse(request, name, notReady(settings));
    const namespace = knowledge.namespace(name) ?? (await fetchNamespace(name));
    if (namespace === undefined) return this.#refuse(request, name, notReady(settings));
    const asked: PodRequest = { request, pod, namespace, settings };
    const decision = decidePod(pod, namespace, knowledge.registrations(name));
    if (decision.kind === 'refuse') return this.#refuse(request, name, decision);
    const unusable = decision.kind === 'leave' ? this.#unusable(asked) : undefined;
    if (unusable !== undefined) return this.#refuse(request, name, unusable);
    try {
      return await then(asked, decision);
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      const about = decision.kind === 'inject' ? [decision.registration] : [];
      return this.#refuse(request, name, { code: error.code, message: error.message, about });
    }
  }

  /** A pod starts once: one that a registration of a moment ago matches would be without a gateway for good. */
  async #checkStranger({ request, pod, namespace: { name } }: PodRequest): Promise<AdmissionResponse> {
    const own = ownName(pod);
    if (own !== undefined) {
      const message = `The pod is of no agent and has ${own}, which only pods of agents have.`;
      return this.#refuse(request, name, { code: 'AEGIS_INJECT_DIFFERS', message });
    }
    const [unread] = await this.#options.unreadRegistrations(name);
    if (unread === undefined) return allowed(request);
    const message = `AgentRegistration ${unread} is newer than what this replica of the operator has read.`;
    return this.#refuse(request, name, { code: 'AEGIS_INJECT_NOT_READY', message, passing: true });
  }

  /** Nobody knows whose pod it is, as long as a registration with its labels was never valid. */
  #unusable({ pod, namespace }: PodRequest): Refusal | undefined {
    for (const { metadata, spec } of this.#options.knowledge.unusable(namespace.name)) {
      const { selector, serviceAccountName } = spec.workload;
      const fits = matchesSelector(selector, pod.metadata.labels ?? {});
      if (!fits || serviceAccountName !== (pod.spec.serviceAccountName ?? 'default')) continue;
      const message = `AgentRegistration ${metadata.name} matches the pod and has never been valid.`;
      return { code: 'AEGIS_INJECT_REGISTRATION', message };
    }
    return undefined;
  }

  #left({ request, namespace }: PodRequest, { warning, about }: Extract<PodDecision, { kind: 'leave' }>) {
    if (warning === undefined) return allowed(request);
    if (about !== undefined) this.#tell(request, namespace.name, [about], 'PodUnguarded', warning);
    return allowed(request, [warning]);
  }

  #refuse(request: AdmissionRequest, namespace: string, refusal: Refusal): AdmissionResponse {
    const { code, message, about = [], passing } = refusal;
    this.#tell(request, namespace, about, 'PodRefused', `${code}: ${message}`);
    const status = passing === true ? UNAVAILABLE : FORBIDDEN;
    const text = `${code}: ${message} fix: ${ERRORS[code].fix}`;
    return { uid: request.uid, allowed: false, status: { ...status, message: text } };
  }

  /** A dry run leaves no trace. */
  #tell(
    request: AdmissionRequest,
    namespace: string,
    names: readonly string[],
    reason: PodEvent['reason'],
    text: string,
  ): void {
    if (request.dryRun === true) return;
    const { name, generateName } = (request.object?.metadata ?? {}) as { name?: string; generateName?: string };
    const pod = name ?? (generateName === undefined ? 'a pod' : `${generateName}…`);
    for (const each of names) {
      const regarding = this.#options.knowledge.registration(namespace, each);
      if (regarding === undefined) continue;
      this.#options.record({ regarding, type: 'Warning', reason, action: 'Admit', note: `${pod}: ${text}` });
    }
  }
}

function allowed({ uid }: AdmissionRequest, warnings: readonly string[] = []): AdmissionResponse {
  return { uid, allowed: true, ...(warnings.length > 0 && { warnings: warningLines(warnings) }) };
}

function notReady(settings: InjectionSettings | undefined): Refusal {
  const why = settings === undefined ? 'was told no image of the gateway (injection.image)' : 'is starting';
  const message = `The operator ${why}; pods of this namespace are not started unguarded.`;
  return { code: 'AEGIS_INJECT_NOT_READY', message, passing: true };
}

function conflictOf(registration: string): Refusal {
  const message = `The agent id of AgentRegistration ${registration} is another registration's.`;
  return { code: 'AEGIS_INJECT_REGISTRATION', message, about: [registration] };
}

/** Of a pod that should have nothing of ours. */
function ownName({ metadata, spec }: AdmittedPod): string | undefined {
  if (metadata.annotations?.[STAMP_ANNOTATION] !== undefined) return `the annotation ${STAMP_ANNOTATION}`;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const own = containers.find(({ name }) => name === GATEWAY_CONTAINER || name === CAPTURE_CONTAINER);
  return own && `a container ${own.name}`;
}

const SHOWN = 5;

function textOf(findings: readonly { field: string; message: string }[]): string {
  const lines = findings.slice(0, SHOWN).map(({ field, message }) => `${field}: ${message}`);
  if (findings.length > SHOWN) lines.push(`and ${findings.length - SHOWN} more`);
  return `The pod is not as it was rendered: ${lines.join('; ')}.`;
}
