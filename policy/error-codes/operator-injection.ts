import type { ErrorTable } from './error-table.ts';

/** What keeps a pod from being started, or from being guarded. */
export const OPERATOR_INJECTION_ERRORS = {
  AEGIS_INJECT_NOT_READY: {
    summary: 'The operator has not read everything yet that a pod of an agent needs; the pod is not started unguarded.',
    fix: 'Nothing is needed: controllers try again. Check /readyz of the operator if it lasts.',
  },
  AEGIS_INJECT_AMBIGUOUS: {
    summary: 'Several AgentRegistrations match the pod; a pod is one agent.',
    fix: 'Make their selectors disjoint, or give them different ServiceAccounts.',
  },
  AEGIS_INJECT_HOST_NETWORK: {
    summary: 'A pod of an agent uses the network of its node, where no gateway can stand before it.',
    fix: 'Remove hostNetwork from the pod.',
  },
  AEGIS_INJECT_NO_AGENT: {
    summary: 'The namespace starts pods of registered agents only, and no AgentRegistration matches this one.',
    fix: 'Register the agent (workload.selector and serviceAccountName), or label the namespace aegis.dev/inject=enabled.',
  },
  AEGIS_INJECT_SERVICE_ACCOUNT: {
    summary: 'The labels of the pod fit an AgentRegistration, and its ServiceAccount does not.',
    fix: 'Set serviceAccountName of the pod to the one that spec.workload.serviceAccountName names.',
  },
  AEGIS_INJECT_REGISTRATION: {
    summary: 'The AgentRegistration that matches the pod cannot be used: it is not valid, or its agent id is taken.',
    fix: 'Read the conditions of the AgentRegistration (kubectl describe agreg) and correct it.',
  },
  AEGIS_INJECT_RENDER: {
    summary: 'The sidecar cannot be put into the pod.',
    fix: 'The message says what stands in the way; change the pod or the settings of the operator.',
  },
  AEGIS_INJECT_DIFFERS: {
    summary:
      "The gateway, its guard or its volumes are not in the pod as they were rendered; something else changed them, or the pod's author did.",
    fix: 'Remove everything named aegis-… from the pod template, and keep other webhooks from changing these containers.',
  },
} as const satisfies ErrorTable;
