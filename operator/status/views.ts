/** What the status of each kind is made from: everything that is known about one resource, without any history. */
import type { Finding } from '../../policy/errors.ts';
import type { RolloutStage, RolloutState } from '../../policy/rollout/rollout-state.ts';
import type { GuardFacts } from '../workloads/guard-facts.ts';
import type { ObservedEgress } from './observed-egress.ts';

/** Of the tenant as a whole; it holds up what is not in a committed bundle yet, and nothing that is. */
export interface Problem {
  condition: 'Compiled' | 'BundlePublished';
  /** CamelCase. */
  reason: string;
  message: string;
  /** Only a change of spec or environment helps. */
  terminal: boolean;
}

/** References that do not exist (yet). */
export interface Missing {
  /** ms since the epoch. */
  since: number;
  /** What is missing, in a sentence. */
  what: string;
}

interface Settling {
  /**
   * Not every gateway has had the time to speak since this leader began. What was counted before holds meanwhile, or
   * every policy would seem to be without gateways for a moment, and be written twice.
   */
  settling?: boolean;
}

interface ResourceView {
  /** Of the object that the view speaks about. */
  generation: number;
  /** Of the current object: validation and compiling, errors first. */
  findings: readonly Finding[];
  /** Which version of the resource goes into bundles. */
  takesPart: 'current' | 'lastGood' | 'none';
  problem?: Problem;
}

export interface PolicyView extends ResourceView {
  missing?: Missing;
  suspended: boolean;
  rollout?: RolloutState;
  targetStage: RolloutStage;
  /** Why the rollout stands where it stands. */
  wait?: string;
  /** Absent: this generation is not in a committed bundle yet. */
  published?: { sequence: number; digest: string; keyId: string; configMapName: string; expiresAt: string };
  /** Running pods in scope that have a live gateway, and those of them that have the policy as published. */
  pods: { matched: number; acknowledged: number } & Settling;
  deleting: boolean;
}

export interface RegistrationView extends ResourceView {
  missing?: Missing;
  agentId: string;
  tenant?: string;
  /** Who has the agent id already. */
  conflict?: string;
  /** Absent: this generation is not in a committed bundle yet. */
  published?: { sequence: number };
  configMapName?: string;
  /**
   * Running pods that match; those of them with a live gateway; those of these that have the registration as published;
   * those of `matched` that another registration matches too; and those with a gateway that has not spoken yet.
   */
  pods: { matched: number; injected: number; acknowledged: number; ambiguous: number; silent?: number } & Settling;
  suspended: boolean;
  /** What is wanted. */
  egressGuard: 'Off' | 'Observe' | 'Enforce';
  /** Whether pods of its namespace get a gateway; absent: not known. */
  namespace?: { name: string; labelled: boolean };
  /** The one that its pods run as. */
  serviceAccountName?: string;
  /** Running pods of nobody whose labels fit and whose ServiceAccount does not. */
  strays?: number;
  /** Those without a gateway whose label says that they stay out. */
  optedOut?: number;
  /** What the stamps of `matched` say; absent: none was looked at. */
  guard?: GuardFacts;
  /** What left the pods, or would have, and goes to no tool. */
  egress?: readonly ObservedEgress[];
  /** Gateways have not told everything again since this leader began: what stood there holds meanwhile. */
  egressSettling?: boolean;
}

export interface ToolView extends ResourceView {
  missing?: Missing;
  toolId: string;
  /** Absent: of the shared catalogue. */
  tenant?: string;
  /** Who has the tool id already. */
  conflict?: string;
  /** Digest of the tool's contract. */
  revision?: string;
  actions: number;
  /** This generation is in a committed bundle, as far as anybody uses it. */
  published: boolean;
  /** Registrations that name it. */
  usedBy?: number;
}

export interface TenantView extends ResourceView {
  namespaces: readonly string[];
  agents: number;
  policies: number;
  frozen: boolean;
  /** This generation is not in the committed bundle yet. */
  pending?: boolean;
  /** The committed bundle; absent before the first. */
  bundle?: { digest: string; sequence: number; keyId: string; issuedAt: string; expiresAt: string };
  /** Which namespace belongs to whom already. */
  conflict?: string;
  deleting: boolean;
}
