/**
 * Every pair of rule kinds on one action, in one policy, in two, and where the first overrides the second: the table
 * `golden/pairs.txt` is reviewed by hand against the design; the reference evaluator must agree with each cell.
 * `AEGIS_UPDATE_GOLDEN=1` writes it anew.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentPolicy, Rule, Scope } from '../../../policy/resources/types.generated.ts';
import { compileTenant, differences, toInput } from '../decision/differential/compare.ts';
import { policyModule, tenantData, wasmEngine } from '../decision/differential/engines.ts';
import { PLATFORM, TENANT } from '../decision/differential/generate.ts';
import type { Call } from '../decision/reference/conditions.ts';
import type { Tenant } from '../decision/reference/evaluate.ts';

const FILE = join(process.cwd(), 'test/policy/compiler/golden/pairs.txt');
const apiVersion = 'aegis.dev/v1alpha1';

/** 50 is above what any condition here accepts; `memo` is missing, so that nothing about it can be decided. */
const CALL: Call = { tenant: TENANT, agent: 'worker', tool: 'pay', action: 'create', params: { amount: 50 } };
const fails = { maxAmount: 10 };
const unknown = { params: { memo: { enum: ['x'] } } };
const sanitize: NonNullable<Rule['sanitize']> = { response: [{ detector: 'email', op: 'mask' }] };
const limits: NonNullable<Rule['limits']> = [{ name: 'l', rate: { max: 1, window: '1m' } }];

const PERMITS: Record<string, Partial<Rule>> = {
  'Permit allow': {},
  'Permit approval': { outcome: 'approval_needed' },
  'Permit sanitize': { outcome: 'sanitize', sanitize },
  'Permit failing → deny': { conditions: fails },
  'Permit failing → approval': { conditions: fails, failureAction: 'approval_needed' },
  'Permit failing → sanitize': { conditions: fails, failureAction: 'sanitize', sanitize },
  'Permit sanitize, failing → approval': {
    outcome: 'sanitize',
    conditions: fails,
    failureAction: 'approval_needed',
    sanitize,
  },
  'Permit allow, when refuted': { when: fails },
  'Permit allow, when undecidable': { when: unknown },
  'Permit approval, when undecidable': { when: unknown, outcome: 'approval_needed' },
  'Permit sanitize, when undecidable': { when: unknown, outcome: 'sanitize', sanitize },
};
const RESTRICTS: Record<string, Partial<Rule>> = {
  'Restrict allow with limits': { limits },
  'Restrict approval': { outcome: 'approval_needed' },
  'Restrict sanitize': { outcome: 'sanitize', sanitize },
  'Restrict deny': { outcome: 'deny' },
  'Restrict failing → deny': { conditions: fails },
  'Restrict failing → approval': { conditions: fails, failureAction: 'approval_needed' },
  'Restrict failing → sanitize': { conditions: fails, failureAction: 'sanitize', sanitize },
  'Restrict deny, when refuted': { when: fails, outcome: 'deny' },
  'Restrict deny, when undecidable': { when: unknown, outcome: 'deny' },
};

const rule = (name: string, kind: string, more: Partial<Rule> = {}): Rule => ({
  name,
  actions: ['create'],
  ...(kind in RESTRICTS ? { type: 'Restrict', ...RESTRICTS[kind] } : PERMITS[kind]),
  ...more,
});

const WIDE: Scope = { tenantWide: true };
const NARROW: Scope = { agents: ['worker'] };

function policy(name: string, scope: Scope, rules: Rule[]): AgentPolicy {
  return { apiVersion, kind: 'AgentPolicy', metadata: { name, namespace: TENANT }, spec: { scope, rules } };
}

function tenantOf(policies: AgentPolicy[]): Tenant {
  const metadata = (name: string) => ({ name, namespace: TENANT });
  const workload = { selector: { matchLabels: { app: 'w' } }, serviceAccountName: 'w' };
  return {
    name: TENANT,
    platformNamespace: PLATFORM,
    tools: new Map([
      [
        'pay',
        {
          apiVersion,
          kind: 'AgentTool',
          metadata: metadata('pay'),
          spec: {
            protocol: 'HTTP',
            upstream: { url: 'https://pay.test' },
            actions: [
              {
                name: 'create',
                effect: 'write',
                match: { method: 'POST', path: '/' },
                parameters: {
                  amount: { in: 'json', type: 'integer', role: 'amount' },
                  memo: { in: 'json', type: 'string' },
                },
              },
            ],
          },
        },
      ],
    ]),
    registrations: new Map([
      [
        'worker',
        {
          apiVersion,
          kind: 'AgentRegistration',
          metadata: metadata('worker'),
          spec: { owner: 'x@example.com', workload, tools: [{ toolId: 'pay' }] },
        },
      ],
    ]),
    policies: policies.map((stable) => ({ id: `${TENANT}/${stable.metadata.name}`, stable })),
    everEnforced: new Set(),
  };
}

const SHORT = { allow: 'allow', sanitize: 'sanitize', rate_limited: 'rate', approval_needed: 'approval', deny: 'deny' };

/** `approval by b`: the verdict, and the rules (or the code) that are its reasons. */
function cell(engine: WebAssembly.Module, policies: AgentPolicy[]): string {
  const { tenant, compiled, refused } = compileTenant(tenantOf(policies));
  expect(refused).toEqual([]);
  const result = wasmEngine(engine, tenantData(compiled))(toInput(CALL, compiled));
  expect(differences(tenant, CALL, result)).toEqual([]);
  const { verdict, reasons } = result.enforced;
  const by = new Set(reasons.map(({ rule: name, code }) => name ?? code.toLowerCase().replace('_', ' ')));
  return `${SHORT[verdict]} by ${[...by].sort().join(' and ')}`;
}

test('every pair of rules, as in golden/pairs.txt', () => {
  const engine = policyModule();
  const kinds = [...Object.keys(PERMITS), ...Object.keys(RESTRICTS)];
  const rows = kinds.flatMap((first) =>
    kinds.map((second) => {
      const two = [policy('p', NARROW, [rule('a', first)]), policy('q', WIDE, [rule('b', second)])];
      const overriding = policy('p', NARROW, [rule('a', first, { overrides: [`${TENANT}/q/b`] })]);
      const yielding = policy('q', WIDE, [rule('b', second, { overridable: true })]);
      const overridable = first in PERMITS && second in RESTRICTS;
      return [
        first,
        second,
        cell(engine, [policy('p', WIDE, [rule('a', first), rule('b', second)])]),
        cell(engine, two),
        overridable ? cell(engine, [overriding, yielding]) : '-',
      ];
    }),
  );
  const header = ['rule a', 'rule b', 'in one policy', 'in two policies', 'a overrides b'];
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map((row) => (row[column] as string).length)));
  const line = (row: string[]): string =>
    row
      .map((text, column) => text.padEnd(widths[column] as number))
      .join(' | ')
      .trimEnd();
  const text = `${[header, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n')}\n`;
  if (process.env.AEGIS_UPDATE_GOLDEN === '1') writeFileSync(FILE, text);
  expect(text).toBe(existsSync(FILE) ? readFileSync(FILE, 'utf8') : '');
});
