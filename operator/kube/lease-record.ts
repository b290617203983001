import { microTime } from './micro-time.ts';
import type { KubeObject, ResourceType } from './types.ts';

export const LEASE: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

export interface Lease extends KubeObject {
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    /** MicroTime. */
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaseHolder {
  identity: string;
  /** Of the Lease, as the holder wrote them. */
  annotations: Readonly<Record<string, string>>;
  /** How often the lease has changed hands. */
  transitions: number;
}

interface Claim {
  identity: string;
  /** Wall clock, ms: for people only, nobody judges by it. */
  now: number;
  /** ms. */
  leaseDuration: number;
  transitions: number;
  annotations: Record<string, string>;
}

export function newLease(namespace: string, name: string, claim: Claim): Lease {
  const metadata = { name, namespace, annotations: claim.annotations };
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: specOf(claim) };
}

/** The lease taken over by somebody. What others wrote into its metadata stays. */
export function claimed(lease: Lease, claim: Claim): Lease {
  return withAnnotations({ ...lease, spec: { ...lease.spec, ...specOf(claim) } }, claim.annotations);
}

/** The lease with a later time, by its holder. */
export function renewed(lease: Lease, now: number, annotations: Record<string, string>): Lease {
  return withAnnotations({ ...lease, spec: { ...lease.spec, renewTime: microTime(now) } }, annotations);
}

/** The lease without a holder, so that nobody has to wait for its end. */
export function released(lease: Lease, now: number): Lease {
  const time = microTime(now);
  const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: time, renewTime: time };
  return { ...lease, spec };
}

export function holderOf({ spec, metadata }: Lease): LeaseHolder | undefined {
  const identity = spec?.holderIdentity;
  if (!identity) return undefined;
  return { identity, annotations: { ...metadata.annotations }, transitions: spec.leaseTransitions ?? 0 };
}

function specOf({ identity, now, leaseDuration, transitions }: Claim): NonNullable<Lease['spec']> {
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(leaseDuration / 1000),
    acquireTime: microTime(now),
    renewTime: microTime(now),
    leaseTransitions: transitions,
  };
}

function withAnnotations(lease: Lease, annotations: Record<string, string>): Lease {
  const { metadata } = lease;
  return { ...lease, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } };
}
