import type { Finding } from '../../policy/errors.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { KubeObject } from '../kube/types.ts';

export const KINDS = ['AgentPolicy', 'AgentRegistration', 'AgentTool', 'AgentTenant'] as const;
export type Kind = (typeof KINDS)[number];

/** One resource as it is now, with what is wrong with it by itself. */
export interface Intaken {
  /** `Kind namespace/name`, or `Kind name`. */
  readonly key: string;
  readonly kind: Kind;
  readonly object: KubeObject;
  /** With defaults; the same object as long as uid and generation are the same. */
  readonly loaded: LoadedResource;
  readonly findings: readonly Finding[];
  readonly valid: boolean;
  readonly deleting: boolean;
}
