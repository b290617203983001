/** Views of resources in every state that an operator meets at night; golden texts and the API server's test use them. */
import type { PolicyView, RegistrationView, TenantView, ToolView } from '../../../operator/status/views.ts';
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
