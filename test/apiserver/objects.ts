import { randomBytes } from 'node:crypto';
import type { KubeObject } from '../../operator/kube/types.ts';
import type { RawAnswer } from './raw-client.ts';

/** What the helpers need of a server. */
export interface Asks {
  raw(method: string, path: string, body?: unknown, options?: { contentType?: string }): Promise<RawAnswer>;
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

export interface PodOptions {
  namespace: string;
  name: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  /** `default` when absent. */
  serviceAccountName?: string;
  /** `Running`, and ready, when absent. */
  phase?: PodPhase;
  /** One container that does nothing when absent. */
  spec?: Record<string, unknown>;
}

export type Pod = KubeObject & {
  metadata: { uid: string; namespace: string };
  spec: Record<string, unknown>;
  status: { phase: PodPhase };
};

export interface TokenOptions {
  namespace: string;
  /** Of the ServiceAccount, which is made where it is absent. */
  name: string;
  audience: string;
  /** Binds the token to this pod, which must run under that ServiceAccount. */
  pod?: { name: string; uid: string };
  /** Seconds; the API server allows 600 at least. */
  expiration?: number;
}

/** The object of an answer. @throws with the server's message where it is no success (or not among `also`) */
export function objectOf<T>({ status, body }: RawAnswer, ...also: number[]): T {
  if ((status >= 200 && status < 300) || also.includes(status)) return body as T;
  const message = (body as { message?: string }).message ?? String(body);
  throw new Error(`the API server answered ${status}: ${message}`);
}

/** A namespace that nobody else has: without a controller manager none can be deleted. @returns its name */
export async function makeNamespace(server: Asks, prefix: string, labels: Record<string, string>): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  const metadata = { name, labels };
  objectOf(await server.raw('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata }));
  return name;
}

/** A pod as the kubelet would have left it: there is none. */
export async function makePod(server: Asks, options: PodOptions): Promise<Pod> {
  const { namespace, name, labels = {}, annotations = {}, serviceAccountName = 'default' } = options;
  const made = await server.raw('POST', `/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels, annotations },
    spec: { containers: [{ name: 'main', image: 'none.invalid/none' }], ...options.spec, serviceAccountName },
  });
  objectOf(made);
  return setPodPhase(server, { namespace, name }, options.phase ?? 'Running');
}

export async function setPodPhase(
  server: Asks,
  { namespace, name }: { namespace: string; name: string },
  phase: PodPhase,
): Promise<Pod> {
  const ready = { type: 'Ready', status: phase === 'Running' ? 'True' : 'False' };
  const status = { phase, conditions: [ready], podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
  const contentType = 'application/strategic-merge-patch+json';
  return objectOf<Pod>(await server.raw('PATCH', path, { status }, { contentType }));
}

/** Gone at once: there is no kubelet that would confirm. */
export async function removePod(server: Asks, { namespace, name }: { namespace: string; name: string }): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`;
  objectOf(await server.raw('DELETE', path), 404);
}

/** A token by TokenRequest, as the kubelet projects it. */
export async function requestToken(server: Asks, options: TokenOptions): Promise<string> {
  const { namespace, name, audience, pod, expiration = 3600 } = options;
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } };
  objectOf(await server.raw('POST', accounts, account), 409);
  const answer = await server.raw('POST', `${accounts}/${name}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: [audience],
      expirationSeconds: expiration,
      ...(pod !== undefined && { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }),
    },
  });
  return objectOf<{ status: { token: string } }>(answer).status.token;
}
