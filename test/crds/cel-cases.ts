/** A CEL rule by the begin of its message, with a change of its kind's base object that passes and one that fails. */
export interface CelCase {
  rule: string;
  kind: string;
  pass: Change;
  fail: Change;
  /** For transition rules: what the stored object has. */
  old?: Change;
}

/** Values by dotted path, set in a copy of the base object; undefined removes. */
export type Change = Record<string, unknown>;

const DIGEST = `sha256:${'0'.repeat(64)}`;
const PARAM = 'spec.rules.0.conditions.params';
const CONDITION = 'spec.rules.0.conditions';

/** One valid object per kind that the cases change. */
export const BASE_OBJECTS: Record<string, object> = {
  AgentPolicy: { spec: { scope: { agents: ['a'] }, rules: [{ name: 'r', actions: ['x'] }] } },
  AgentRegistration: {
    spec: { owner: 'o', workload: { selector: { matchLabels: { app: 'a' } }, serviceAccountName: 's' } },
  },
  AgentTool: {
    spec: {
      protocol: 'HTTP',
      upstream: { url: 'https://api.example.com' },
      actions: [{ name: 'x', effect: 'write', match: { method: 'POST', path: '/x' } }],
    },
  },
  AgentTenant: { spec: {} },
  ApprovalRequest: {
    spec: {
      subject: 'ToolCall',
      tenant: 't',
      digest: DIGEST,
      riskTier: 'high',
      expiresAt: '2026-01-01T00:00:00Z',
      toolCall: { agent: 'a', tool: 't', action: 'x' },
    },
  },
  ApprovalDecision: { spec: { request: { name: 'r' }, digest: DIGEST, decision: 'Approve' } },
  EmergencyAction: { spec: { action: 'Freeze', target: {}, reason: 'incident' } },
};

function cases(kind: string, rows: [rule: string, pass: Change, fail: Change, old?: Change][]): CelCase[] {
  return rows.map(([rule, pass, fail, old]) => ({ kind, rule, pass, fail, ...(old === undefined ? {} : { old }) }));
}

const parameter = (changes: object): Change => ({
  'spec.actions.0.parameters': { p: { in: 'json', type: 'string', ...changes } },
});
const sanitize = (request: object): Change => ({
  'spec.rules.0.sanitize': { request: [request] },
  'spec.rules.0.outcome': 'sanitize',
});
const LONG_NAME = 'n'.repeat(64);

export const CEL_CASES: CelCase[] = [
  ...cases('AgentPolicy', [
    ['scope says nothing', { 'spec.scope': { tools: ['t'] } }, { 'spec.scope': { tenantWide: false } }],
    [
      'tenantWide: true already',
      { 'spec.scope': { tenantWide: true } },
      { 'spec.scope': { tenantWide: true, tools: ['t'] } },
    ],
    ["'*' already means", { 'spec.rules.0.actions': ['*'] }, { 'spec.rules.0.actions': ['x', '*'] }],
    [
      'only a Restrict can be overridable',
      { 'spec.rules.0.type': 'Restrict', 'spec.rules.0.overridable': true },
      { 'spec.rules.0.overridable': true },
    ],
    [
      'only a Permit can override',
      { 'spec.rules.0.overrides': ['n/p/r'] },
      { 'spec.rules.0.type': 'Restrict', 'spec.rules.0.overrides': ['n/p/r'] },
    ],
    [
      'a Permit cannot say outcome deny',
      { 'spec.rules.0.type': 'Restrict', 'spec.rules.0.outcome': 'deny' },
      { 'spec.rules.0.outcome': 'deny' },
    ],
    [
      'outcome deny takes no conditions',
      { 'spec.rules.0.type': 'Restrict', 'spec.rules.0.outcome': 'deny', 'spec.rules.0.when': { currency: 'USD' } },
      { 'spec.rules.0.type': 'Restrict', 'spec.rules.0.outcome': 'deny', [CONDITION]: { currency: 'USD' } },
    ],
    [
      'when only says whether the rule applies, nothing fails there; move onFail',
      { [CONDITION]: { currency: 'USD', onFail: { currency: 'deny' } } },
      { 'spec.rules.0.when': { currency: 'USD', onFail: { currency: 'deny' } } },
    ],
    [
      "when only says whether the rule applies, nothing fails there; move the parameter's",
      {
        [CONDITION]: { params: { p: { max: 1, onFail: 'deny' } } },
        'spec.rules.0.when': { params: { p: { max: 1 } } },
      },
      { 'spec.rules.0.when': { params: { q: { max: 1 }, p: { max: 1, onFail: 'deny' } } } },
    ],
    [
      'the rule can answer sanitize',
      sanitize({ param: 'p', op: 'drop' }),
      { 'spec.rules.0.failureAction': 'sanitize', [CONDITION]: { currency: 'USD' } },
    ],
    [
      'an onFail answers sanitize',
      { [CONDITION]: { params: { p: { max: 1, onFail: 'deny' } }, chain: { maxDepth: 1 }, onFail: { chain: 'deny' } } },
      { [CONDITION]: { params: { p: { max: 1, onFail: 'sanitize' } } } },
    ],
    [
      'onFail names a condition',
      { [CONDITION]: { region: 'eu', onFail: { region: 'deny' } } },
      { [CONDITION]: { region: 'eu', onFail: { dest: 'deny' } } },
    ],
    [
      'from and to are equal',
      { [CONDITION]: { timeWindows: [{ from: '09:00', to: '08:00' }] } },
      { [CONDITION]: { timeWindows: [{ from: '09:00', to: '09:00' }] } },
    ],
    [
      'range.min is greater',
      { [PARAM]: { p: { range: { min: -1, max: '-0.5' } } } },
      { [PARAM]: { p: { range: { min: '0.51', max: '0.5' } } } },
    ],
    [
      'the parameter has no condition',
      { [PARAM]: { p: { required: true, onFail: 'deny' } } },
      { [PARAM]: { p: { onFail: 'deny' } } },
    ],
    ['min is greater than max', { [PARAM]: { p: { min: 3, max: 3 } } }, { [PARAM]: { p: { min: 4, max: '3.9' } } }],
    [
      'a parameter cannot be both',
      { [PARAM]: { p: { required: false, forbidden: true } } },
      { [PARAM]: { p: { required: true, forbidden: true } } },
    ],
    [
      'a forbidden parameter has no value',
      { [PARAM]: { p: { forbidden: false, max: 1 } } },
      { [PARAM]: { p: { forbidden: true, pattern: 'x' } } },
    ],
    [
      'a parameter name must have 1 to 128 characters; use',
      { [PARAM]: { ['n'.repeat(128)]: { max: 1 } } },
      { [PARAM]: { ['n'.repeat(129)]: { max: 1 } } },
    ],
    [
      'a budget adds up exactly one',
      { 'spec.rules.0.limits': [{ name: 'l', budget: { cost: 'Estimated', max: 1, window: '1h' } }] },
      { 'spec.rules.0.limits': [{ name: 'l', budget: { cost: 'Estimated', parameter: 'p', max: 1, window: '1h' } }] },
    ],
    [
      'a limit is either a rate or a budget',
      { 'spec.rules.0.limits': [{ name: 'l', rate: { max: 1, window: 'day' } }] },
      { 'spec.rules.0.limits': [{ name: 'l' }] },
    ],
    [
      'value goes with set and clamp',
      sanitize({ param: 'p', op: 'set', value: 'x' }),
      sanitize({ param: 'p', op: 'drop', value: 'x' }),
    ],
    [
      'clamp needs a number',
      sanitize({ param: 'p', op: 'clamp', value: '-9.5' }),
      sanitize({ param: 'p', op: 'clamp', value: '9,5' }),
    ],
    [
      'a response change finds',
      { 'spec.rules.0.sanitize': { response: [{ detector: 'email', op: 'mask' }] } },
      { 'spec.rules.0.sanitize': { response: [{ detector: 'email', pointer: '/x', op: 'mask' }] } },
    ],
    [
      'a test makes one call',
      { 'spec.tests': [{ name: 't', expect: 'deny', mcp: { agent: 'a', tool: 't', params: {} } }] },
      { 'spec.tests': [{ name: 't', expect: 'deny' }] },
    ],
    [
      'agents already names the cohort',
      { 'spec.rollout': { partial: { percent: 5, tenants: ['t'] } } },
      { 'spec.rollout': { partial: { percent: 5, agents: ['a'] } } },
    ],
    [
      'profile immediate has no gates',
      { 'spec.rollout': { profile: 'small', gates: [{ to: 'Enforce' }] } },
      { 'spec.rollout': { profile: 'immediate', gates: [{ to: 'Enforce' }] } },
    ],
  ]),
  ...cases('AgentRegistration', [
    [
      'In and NotIn need values',
      { 'spec.workload.selector': { matchExpressions: [{ key: 'k', operator: 'NotIn', values: ['v'] }] } },
      { 'spec.workload.selector': { matchExpressions: [{ key: 'k', operator: 'Exists', values: ['v'] }] } },
    ],
    [
      'the selector would match every pod',
      { 'spec.workload.selector': { matchExpressions: [{ key: 'k', operator: 'Exists' }] } },
      { 'spec.workload.selector': {} },
    ],
    [
      'a destination is either',
      { 'spec.egress': { allow: [{ host: 'a.example' }] } },
      { 'spec.egress': { allow: [{ ports: [443] }] } },
    ],
    ['the name is the agent id', { 'metadata.name': LONG_NAME, 'spec.agentId': 'a' }, { 'metadata.name': LONG_NAME }],
    ['agentId cannot be changed', { 'spec.agentId': 'a' }, { 'spec.agentId': 'b' }, { 'spec.agentId': 'a' }],
  ]),
  ...cases('AgentTool', [
    ['not the code of a currency', { 'spec.currencyDigits': { IDR: 0 } }, { 'spec.currencyDigits': { idr: 0 } }],
    ['the upstream does not say', { 'spec.upstream': { hosts: ['a.example'] } }, { 'spec.upstream': { region: 'eu' } }],
    [
      'the document has one source',
      { 'spec.openapi': { inline: '{}' } },
      { 'spec.openapi': { inline: '{}', configMapRef: { name: 'c' } } },
    ],
    [
      'query and headers tell requests',
      { 'spec.actions.0.match': { method: 'GET', path: '/x', query: ['q'] } },
      { 'spec.openapi': { inline: '{}' }, 'spec.actions.0.match': { operationId: 'x', query: ['q'] } },
    ],
    ['method and path belong together', {}, { 'spec.actions.0.match': { path: '/x' } }],
    [
      'an action is recognised in exactly one way',
      {},
      { 'spec.actions.0.match': { method: 'GET', path: '/x', mcpTool: 'x' } },
    ],
    ['a pointer goes with', parameter({ pointer: '/a' }), parameter({ in: 'query', pointer: '/a' })],
    ['the pointer already says', parameter({ name: 'a' }), parameter({ name: 'a', pointer: '/a' })],
    ['items goes with', parameter({ type: 'array', items: 'integer' }), parameter({ items: 'string' })],
    ['only a number has a scale', parameter({ scale: -2 }), parameter({ type: 'boolean', scale: 2 })],
    [
      'case and format are for text',
      parameter({ type: 'array', items: 'string', case: 'lower' }),
      parameter({ type: 'integer', format: 'ip' }),
    ],
    ['an amount is a number', parameter({ role: 'amount' }), parameter({ type: 'object', role: 'amount' })],
    [
      'a parameter name must have 1 to 128 characters; shorten',
      parameter({}),
      { 'spec.actions.0.parameters': { ['n'.repeat(129)]: { in: 'query', type: 'string' } } },
    ],
    ['an action of an HTTP tool', {}, { 'spec.actions.0.match': undefined }],
    [
      'an action of an MCP tool',
      { 'spec.protocol': 'MCP', 'spec.actions.0.match': { mcpTool: 'x' } },
      { 'spec.protocol': 'MCP' },
    ],
    [
      'an action names an operationId',
      { 'spec.openapi': { inline: '{}' }, 'spec.actions.0.match': { operationId: 'x' } },
      { 'spec.actions.0.match': { operationId: 'x' } },
    ],
    [
      'pinnedDigest is the digest',
      { 'spec.protocol': 'MCP', 'spec.actions.0': { name: 'x', effect: 'read', pinnedDigest: DIGEST } },
      { 'spec.actions.0.pinnedDigest': DIGEST },
    ],
    ['an HTTP tool without actions', { 'spec.protocol': 'Agent', 'spec.actions': undefined }, { 'spec.actions': [] }],
    ['the name is the tool id', { 'metadata.name': LONG_NAME, 'spec.toolId': 't' }, { 'metadata.name': LONG_NAME }],
    ['toolId cannot be changed', {}, { 'spec.toolId': 'other' }, {}],
  ]),
  ...cases('AgentTenant', [
    [
      'oci goes with storage',
      { 'spec.bundle': { storage: 'OCI', oci: { repository: 'r.example/x' } } },
      { 'spec.bundle': { oci: { repository: 'r.example/x' } } },
    ],
    [
      'mode is about Slack only',
      { 'spec.approvals': { channels: [{ name: 'c', type: 'Slack', mode: 'HTTP', secretRef: { name: 's' } }] } },
      { 'spec.approvals': { channels: [{ name: 'c', type: 'Teams', mode: 'HTTP', secretRef: { name: 's' } }] } },
    ],
    [
      'the entry names nobody',
      { 'spec.approvals': { approvers: [{ name: 'a', groups: ['g'] }] } },
      { 'spec.approvals': { approvers: [{ name: 'a' }] } },
    ],
    [
      'an amount needs its currency',
      { 'spec.approvals': { approvers: [{ name: 'a', users: ['u'], maxAmount: 1, currency: 'USD' }] } },
      { 'spec.approvals': { approvers: [{ name: 'a', users: ['u'], maxAmount: 1 }] } },
    ],
    ['the name of a tenant', {}, { 'metadata.name': LONG_NAME }],
  ]),
  ...cases('ApprovalRequest', [
    ['toolCall goes with', {}, { 'spec.toolCall': undefined }],
    [
      'policyStage goes with',
      {
        'spec.subject': 'PolicyStage',
        'spec.toolCall': undefined,
        'spec.policyStage': { policy: 'p', revision: DIGEST, to: 'Enforce' },
      },
      { 'spec.policyStage': { policy: 'p', revision: DIGEST, to: 'Enforce' } },
    ],
    ['a request is never changed', {}, { 'spec.riskTier': 'low' }, {}],
  ]),
  ...cases('ApprovalDecision', [
    ['a decision is never changed', {}, { 'spec.decision': 'Deny', 'spec.comment': 'no' }, {}],
    ['say why it is refused', { 'spec.decision': 'Deny', 'spec.comment': 'no' }, { 'spec.decision': 'Deny' }],
  ]),
  ...cases('EmergencyAction', [
    [
      'target.agent goes with',
      { 'spec.action': 'SuspendAgent', 'spec.target': { agent: 'a' } },
      { 'spec.action': 'SuspendAgent' },
    ],
    [
      'target.sequence goes with',
      { 'spec.action': 'Pin', 'spec.target': { sequence: 4 } },
      { 'spec.target': { sequence: 4 } },
    ],
    [
      'Pause, Abort and Promote',
      { 'spec.action': 'Pause', 'spec.target': { policy: 'p' } },
      { 'spec.action': 'Abort' },
    ],
    [
      'Promote is about one exact',
      { 'spec.action': 'Promote', 'spec.target': { policy: 'p', revision: DIGEST } },
      { 'spec.action': 'Promote', 'spec.target': { policy: 'p' } },
    ],
    [
      'gateways is about Freeze',
      { 'spec.gateways': 'DenyAll' },
      { 'spec.action': 'BreakGlass', 'spec.expiresAt': '2026-01-01T00:00:00Z', 'spec.gateways': 'DenyAll' },
    ],
    [
      'BreakGlass must end',
      { 'spec.action': 'BreakGlass', 'spec.expiresAt': '2026-01-01T00:00:00Z' },
      { 'spec.action': 'BreakGlass' },
    ],
    ['action and target cannot', { 'spec.reason': 'another' }, { 'spec.target': { tenant: 'other' } }, {}],
  ]),
];

/** The base object of `kind` with `change`. */
export function changedObject(kind: string, change: Change): { kind: string; metadata: { name: string } } & object {
  const object = structuredClone({
    apiVersion: 'aegis.dev/v1alpha1',
    kind,
    metadata: { name: 'base', ...(kind === 'AgentTenant' ? {} : { namespace: 'fintech' }) },
    ...BASE_OBJECTS[kind],
  });
  for (const [path, value] of Object.entries(change)) set(object, path.split('.'), value);
  return object;
}

function set(root: object, path: string[], value: unknown): void {
  let target = root as Record<string, unknown>;
  for (const step of path.slice(0, -1)) {
    if (typeof target[step] !== 'object') target[step] = {};
    target = target[step] as Record<string, unknown>;
  }
  const name = path.at(-1) as string;
  if (value === undefined) delete target[name];
  else target[name] = value;
}
