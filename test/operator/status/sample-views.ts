/** Views of resources in every state that an operator meets at night; golden texts and the API server's test use them. */
import type { PolicyView, RegistrationView, TenantView, ToolView } from '../../../operator/status/views.ts';
import type { GuardFacts } from '../../../operator/workloads/guard-facts.ts';
import type { Finding } from '../../../policy/errors.ts';
import type { RolloutState } from '../../../policy/rollout/rollout-state.ts';

export const REVISIONS = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`] as const;

const SINCE = '2026-03-01T08:00:00Z';

export function rollout(change: Partial<RolloutState> = {}): RolloutState {
  return {
    stage: 'Enforce',
    phase: 'Complete',
    revision: REVISIONS[0],
    stableRevision: REVISIONS[0],
    stageEnteredAt: SINCE,
    partialPercent: 100,
    history: [{ to: 'Shadow', at: SINCE, revision: REVISIONS[0], reason: 'NewRevision', by: 'system:aegis-operator' }],
    ...change,
  };
}

export const SHADOW = rollout({
  stage: 'Shadow',
  phase: 'GateRunning',
  revision: REVISIONS[1],
  partialPercent: 0,
  gate: { to: 'Partial', decisions: 812, agents: 3 },
});

export function policyView(change: Partial<PolicyView> = {}): PolicyView {
  return {
    generation: 1,
    findings: [],
    takesPart: 'current',
    suspended: false,
    rollout: rollout(),
    targetStage: 'Enforce',
    published: {
      sequence: 12,
      digest: `sha256:${'d'.repeat(64)}`,
      keyId: 'key-1',
      configMapName: 'aegis-bundle-fintech',
      expiresAt: '2026-03-02T08:00:00Z',
    },
    pods: { matched: 3, acknowledged: 3 },
    deleting: false,
    ...change,
  };
}

export function registrationView(change: Partial<RegistrationView> = {}): RegistrationView {
  return {
    generation: 1,
    findings: [],
    takesPart: 'current',
    agentId: 'finance-agent',
    tenant: 'fintech',
    published: { sequence: 12 },
    configMapName: 'aegis-bootstrap-finance-agent',
    pods: { matched: 3, injected: 3, acknowledged: 3, ambiguous: 0 },
    suspended: false,
    egressGuard: 'Off',
    ...change,
  };
}

const LABELLED = { name: 'fintech', labelled: true };
const NO_PODS = { matched: 0, injected: 0, acknowledged: 0, ambiguous: 0 };
const ONE_WITHOUT = { matched: 3, injected: 2, acknowledged: 2, ambiguous: 0 };

/** What three pods' stamps say: every one guarded, unless told otherwise. */
export function guard(change: Partial<GuardFacts> = {}): GuardFacts {
  const guards = { Off: 0, Observe: 0, Enforce: 3 };
  return { unstamped: 0, outdated: 0, superseded: 0, explicit: 0, guards, problems: {}, ...change };
}

/** Pods that were put together by the webhook, and want a guard. */
export function guardedView(change: Partial<RegistrationView> = {}): RegistrationView {
  const serviceAccountName = 'finance-agent';
  return registrationView({
    ...{ egressGuard: 'Enforce', namespace: LABELLED, serviceAccountName, strays: 0, optedOut: 0, guard: guard() },
    ...change,
  });
}

const NOBODY = { Off: 0, Observe: 0, Enforce: 0 };
const ALL_OFF = { Off: 3, Observe: 0, Enforce: 0 };
const ALL_OBSERVE = { Off: 0, Observe: 3, Enforce: 0 };

export function toolView(change: Partial<ToolView> = {}): ToolView {
  return {
    generation: 1,
    findings: [],
    takesPart: 'current',
    toolId: 'stripe-payments',
    tenant: 'fintech',
    revision: REVISIONS[0],
    actions: 2,
    published: true,
    usedBy: 1,
    ...change,
  };
}

export function tenantView(change: Partial<TenantView> = {}): TenantView {
  return {
    generation: 1,
    findings: [],
    takesPart: 'current',
    namespaces: ['fintech'],
    agents: 2,
    policies: 1,
    frozen: false,
    bundle: {
      digest: `sha256:${'d'.repeat(64)}`,
      sequence: 12,
      keyId: 'key-1',
      issuedAt: '2026-03-01T08:00:00Z',
      expiresAt: '2026-03-02T08:00:00Z',
    },
    deleting: false,
    ...change,
  };
}

export const UNKNOWN_FIELD: Finding = {
  code: 'AEGIS_UNKNOWN_FIELD',
  severity: 'error',
  message: 'There is no field "maxAmout" here. Did you mean "maxAmount"?',
  field: 'spec.rules[0].conditions.maxAmout',
};

export const UNANCHORED: Finding = {
  code: 'AEGIS_REGEX_UNANCHORED',
  severity: 'warning',
  message: 'The pattern "evil" matches anywhere inside the value',
  field: 'spec.rules[0].when.url.matches',
};

export const UNKNOWN_TOOL: Finding = {
  code: 'AEGIS_UNKNOWN_TOOL',
  severity: 'error',
  message: 'There is no tool "strpe-payments".',
  field: 'spec.scope.tools[0]',
};

/** By the name of the policy that shows it. */
export const POLICIES: Readonly<Record<string, (now: number) => PolicyView>> = {
  enforced: () => policyView(),
  'in-shadow': () => policyView({ rollout: SHADOW, wait: 'WaitingForDuration', findings: [UNANCHORED] }),
  'first-shadow': () => {
    const { stableRevision: _, ...first } = rollout({ stage: 'Shadow', phase: 'Complete', partialPercent: 0 });
    return policyView({ rollout: first, targetStage: 'Shadow', pods: { matched: 0, acknowledged: 0 } });
  },
  'in-cohort': () => policyView({ rollout: { ...SHADOW, stage: 'Partial', partialPercent: 34 } }),
  'awaiting-approval': () => policyView({ rollout: { ...SHADOW, phase: 'AwaitingApproval' } }),
  'rolled-back': () => policyView({ rollout: { ...SHADOW, phase: 'RolledBack' } }),
  suspended: () => policyView({ suspended: true, rollout: rollout({ phase: 'Paused' }) }),
  typo: () => {
    const { published: _, ...view } = policyView({ takesPart: 'lastGood', findings: [UNKNOWN_FIELD, UNKNOWN_TOOL] });
    return view;
  },
  'typo-at-first': () => {
    const { published: _, rollout: __, ...view } = policyView({ takesPart: 'none', findings: [UNKNOWN_FIELD] });
    return view;
  },
  'tool-comes-later': (now) => {
    const missing = { since: now - 60_000, what: 'There is no tool "stripe-payments".' };
    const { published: _, rollout: __, ...view } = policyView({ takesPart: 'none', missing });
    return { ...view, findings: [UNKNOWN_TOOL] };
  },
  'tool-never-comes': (now) => {
    const missing = { since: now - 600_000, what: 'There is no tool "strpe-payments".' };
    const { published: _, rollout: __, ...view } = policyView({ takesPart: 'none', missing });
    return { ...view, findings: [UNKNOWN_TOOL] };
  },
  publishing: () => {
    const { published: _, ...view } = policyView();
    return view;
  },
  'api-server-away': () => {
    const problem = {
      condition: 'BundlePublished' as const,
      reason: 'StorageUnavailable',
      message: 'The bundle cannot be stored: the API server does not answer. Tried again.',
      terminal: false,
    };
    const { published: _, ...view } = policyView({ problem });
    return view;
  },
  'too-large': () => {
    const problem = {
      condition: 'BundlePublished' as const,
      reason: 'TooLarge',
      message: 'The bundle of tenant "fintech" is larger than is accepted.',
      terminal: true,
    };
    const { published: _, ...view } = policyView({ problem });
    return view;
  },
  'one-behind': () => policyView({ pods: { matched: 3, acknowledged: 2 } }),
};

export const REGISTRATIONS: Readonly<Record<string, () => RegistrationView>> = {
  bound: () => registrationView(),
  'no-pods': () => registrationView({ pods: { matched: 0, injected: 0, acknowledged: 0, ambiguous: 0 } }),
  'predates-injection': () => registrationView({ pods: { matched: 3, injected: 1, acknowledged: 1, ambiguous: 0 } }),
  'two-registrations': () => registrationView({ pods: { matched: 3, injected: 3, acknowledged: 2, ambiguous: 1 } }),
  suspended: () => registrationView({ suspended: true, egressGuard: 'Enforce' }),
  guarded: () => guardedView(),
  observing: () =>
    guardedView({
      egressGuard: 'Observe',
      guard: guard({ guards: ALL_OBSERVE }),
      egress: [
        { destination: 'pypi.org', port: 443, protocol: 'tcp', connections: 12, refused: true },
        { destination: '10.2.0.7', port: 5432, protocol: 'tcp', connections: 4031, refused: true },
      ],
    }),
  'not-labelled': () => guardedView({ namespace: { name: 'fintech', labelled: false }, pods: ONE_WITHOUT }),
  'not-labelled-yet': () =>
    guardedView({ namespace: { name: 'fintech', labelled: false }, pods: NO_PODS, guard: guard({ guards: NOBODY }) }),
  'label-removed': () => guardedView({ namespace: { name: 'fintech', labelled: false } }),
  'stays-out': () => guardedView({ pods: ONE_WITHOUT, optedOut: 1, guard: guard({ unstamped: 1 }) }),
  'wrong-account': () => guardedView({ pods: NO_PODS, strays: 2, guard: guard({ guards: NOBODY }) }),
  'some-strays': () => guardedView({ strays: 1 }),
  starting: () => guardedView({ pods: { ...ONE_WITHOUT, silent: 1 } }),
  'old-pods': () => guardedView({ guard: guard({ outdated: 2, guards: { ...NOBODY, Observe: 2, Enforce: 1 } }) }),
  'root-user': () =>
    guardedView({ guard: guard({ guards: ALL_OFF, problems: { RootUser: 2, PrivilegeEscalation: 1 } }) }),
  restricted: () => guardedView({ guard: guard({ guards: ALL_OFF, explicit: 3, problems: { PodSecurity: 3 } }) }),
  'taken-id': () => {
    const conflict = 'The agent id "finance-agent" is taken by AgentRegistration fintech/bound, which is older.';
    const { published: _, configMapName: __, ...view } = registrationView({ takesPart: 'none', conflict });
    return view;
  },
};

export const TOOLS: Readonly<Record<string, () => ToolView>> = {
  used: () => toolView(),
  unused: () => toolView({ usedBy: 0 }),
  broken: () =>
    toolView({
      takesPart: 'lastGood',
      published: false,
      findings: [
        {
          code: 'AEGIS_UNKNOWN_PARAMETER',
          severity: 'error',
          message: 'AgentPolicy fintech/enforced uses the parameter "amount", which create_payment no longer has.',
          field: 'spec.actions[0].parameters',
        },
      ],
    }),
};

export const TENANTS: Readonly<Record<string, () => TenantView>> = {
  published: () => tenantView(),
  frozen: () => tenantView({ frozen: true }),
  'no-key': () =>
    tenantView({
      problem: {
        condition: 'BundlePublished',
        reason: 'SigningKeyUnavailable',
        message: 'The Secret aegis-signing-keys holds no key that is in force.',
        terminal: true,
      },
    }),
};
