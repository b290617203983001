import { policyStatus } from '../../operator/status/policy-status.ts';
import { registrationStatus } from '../../operator/status/registration-status.ts';
import { tenantStatus } from '../../operator/status/tenant-status.ts';
import { toolStatus } from '../../operator/status/tool-status.ts';
import { POLICIES, REGISTRATIONS, TENANTS, TOOLS } from '../operator/status/sample-views.ts';

const NOW = Date.parse('2026-03-02T08:00:00Z');

/** Statuses that the operator itself makes, for its own samples of every state. */
const STATUSES = {
  AgentPolicy: () => Object.values(POLICIES).map((view) => policyStatus(view(NOW), undefined, NOW)),
  AgentRegistration: () => Object.values(REGISTRATIONS).map((view) => registrationStatus(view(), undefined, NOW)),
  AgentTool: () => Object.values(TOOLS).map((view) => toolStatus(view(), undefined, NOW)),
  AgentTenant: () => Object.values(TENANTS).map((view) => tenantStatus(view(), undefined, NOW)),
};

export function realObjects(kind: keyof typeof STATUSES): object[] {
  return STATUSES[kind]().map((status) => ({
    apiVersion: 'aegis.dev/v1alpha1',
    kind,
    metadata: { name: 'x', generation: status.observedGeneration },
    spec: {},
    status,
  }));
}
