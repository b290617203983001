import { compileToolContract } from '../../../policy/mapping/contract.ts';
import { currencyDigits } from '../../../policy/mapping/currency-digits.ts';
import { parseTemplate, templateShape } from '../../../policy/mapping/path-template.ts';
import type { AgentToolSpec, ToolAction } from '../../../policy/resources/types.generated.ts';
import { CONTRACT, STRIPE } from '../../gateway/listeners/fake-activation.ts';

function compile(action: Partial<ToolAction>, spec: Partial<AgentToolSpec> = {}) {
  const full: ToolAction = { name: 'a', effect: 'write', match: { method: 'POST', path: '/a' }, ...action };
  return compileToolContract('t', { protocol: 'HTTP', upstream: { url: 'http://t' }, actions: [full], ...spec });
}

test('a contract is plain JSON, complete, and sorted by name', () => {
  expect(JSON.parse(JSON.stringify(CONTRACT))).toEqual(CONTRACT);
  expect(CONTRACT.actions.map(({ name }) => name)).toEqual(['create_payment', 'get_payment', 'search', 'transfer']);
  expect(CONTRACT.actions[0]).toEqual({
    name: 'create_payment',
    effect: 'write',
    riskTier: 'high',
    match: { method: 'POST', path: '/v1/payment_intents' },
    undeclared: 'Refuse',
    parameters: [
      { name: 'amount', in: 'form', wire: 'amount', type: 'integer', role: 'amount', scale: 'byCurrency' },
      { name: 'currency', in: 'form', wire: 'currency', type: 'string', role: 'currency', case: 'upper' },
      { name: 'memo', in: 'form', wire: 'metadata[memo]', type: 'string' },
    ],
  });
  const id = { name: 'id', in: 'path', wire: 'id', type: 'string', required: true };
  expect(CONTRACT.actions[1]).toMatchObject({ undeclared: 'Allow', parameters: [id] });
});

test('the order of lists does not matter', () => {
  const reversed = { ...STRIPE, actions: [...(STRIPE.actions ?? [])].reverse() };
  expect(JSON.stringify(compileToolContract('stripe-payments', reversed))).toBe(JSON.stringify(CONTRACT));
});

test('an action is never less risky than its tool', () => {
  expect(compile({ riskTier: 'low' }, { riskTier: 'high' }).actions[0]?.riskTier).toBe('high');
  expect(compile({ riskTier: 'critical' }).actions[0]?.riskTier).toBe('critical');
});

test('MCP tools match by name', () => {
  const spec: AgentToolSpec = {
    protocol: 'MCP',
    upstream: { url: 'http://t' },
    actions: [{ name: 'read', effect: 'read' }],
  };
  expect(compileToolContract('t', spec).actions[0]?.match).toEqual({ mcpTool: 'read' });
});

const amount = { in: 'form', type: 'integer', role: 'amount', scale: 'byCurrency' } as const;
const bad: [string, Partial<ToolAction>][] = [
  ['no match', { match: {} }],
  ['no method', { match: { path: '/a' } }],
  ['relative path', { match: { method: 'GET', path: 'a' } }],
  ['dot segment', { match: { method: 'GET', path: '/a/../b' } }],
  ['empty segment', { match: { method: 'GET', path: '/a//b' } }],
  ['partial placeholder', { match: { method: 'GET', path: '/a/x-{id}' } }],
  ['placeholder twice', { match: { method: 'GET', path: '/{id}/{id}' } }],
  ['rest in the middle', { match: { method: 'GET', path: '/{path...}/x' } }],
  [
    'placeholder declared elsewhere',
    { match: { method: 'GET', path: '/{id}' }, parameters: { id: { in: 'query', type: 'string' } } },
  ],
  ['path parameter without placeholder', { parameters: { id: { in: 'path', type: 'string' } } }],
  ['byCurrency without a currency', { parameters: { amount } }],
  ['scale out of range', { parameters: { n: { in: 'form', type: 'integer', scale: 99 } } }],
  ['unknown scale', { parameters: { n: { in: 'form', type: 'integer', scale: 'cents' } } }],
  ['scale of a boolean', { parameters: { n: { in: 'form', type: 'boolean', scale: 2 } } }],
  ['case of a number', { parameters: { n: { in: 'form', type: 'number', case: 'upper' } } }],
  ['bad pointer', { parameters: { n: { in: 'json', type: 'string', pointer: 'a/b' } } }],
  ['two bodies', { parameters: { a: { in: 'json', type: 'string' }, b: { in: 'form', type: 'string' } } }],
  [
    'one wire name twice',
    { parameters: { a: { in: 'form', type: 'string', name: 'x' }, b: { in: 'form', type: 'string', name: 'x' } } },
  ],
];

test.each(bad)('refuses: %s', (_, action) => {
  expect(() => compile(action)).toThrow(expect.objectContaining({ code: 'AEGIS_MAPPING_CONTRACT' }));
});

test('two actions may not match the same requests', () => {
  const match = (path: string) => ({ method: 'GET' as const, path });
  const actions: ToolAction[] = [
    { name: 'a', effect: 'read', match: match('/x/{id}') },
    { name: 'b', effect: 'read', match: match('/x/{name}') },
  ];
  expect(() => compile({}, { actions })).toThrow(/a and b match the same/);
});

test('templates', () => {
  expect(parseTemplate('/v1/{id}/x/{rest...}')).toEqual([
    { literal: 'v1' },
    { param: 'id', rest: false },
    { literal: 'x' },
    { param: 'rest', rest: true },
  ]);
  expect(templateShape('/{a}/{b...}')).toBe(templateShape('/{c}/{d...}'));
  expect(templateShape('/{a}')).not.toBe(templateShape('/{a...}'));
});

test.each([
  ['USD', 2],
  ['JPY', 0],
  ['KWD', 3],
  ['CLF', 4],
  ['MGA', 0],
  ['ISK', 0],
  ['XXX', undefined],
  ['usd', undefined],
  ['constructor', undefined],
])('minor-unit digits of %s', (code, digits) => expect(currencyDigits(code)).toBe(digits));

test('a tool may depart from the list', () => {
  expect(currencyDigits('ISK', { ISK: 2 })).toBe(2);
  expect(currencyDigits('toString', {})).toBeUndefined();
});
