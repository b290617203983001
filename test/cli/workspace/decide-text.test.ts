import fc from 'fast-check';
import { decideText } from '../../../cli/workspace/decide-text.ts';
import type { DecideDeps } from '../../../gateway/enforcement/decide-call.ts';
import { passes } from '../../../gateway/enforcement/decision.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import { NOW, newSystem, sampleSources } from '../../support/sample.ts';

const CASES = 100_000;

const system = newSystem();
system.update(sampleSources('fintech'));
const deps: DecideDeps = {
  now: () => NOW,
  newId: () => 'id',
  limits: createMemoryLimitStore(() => NOW),
  hash: (text) => text,
};
const decide = (text: string) => decideText(text, system.activations, deps);

const GOOD =
  '{"agent":"finance-agent","tool":"stripe-payments","action":"create_payment","params":{"amount":4999,"currency":"USD"}}';

const taken = async (text: string): Promise<string | undefined> => (await decide(text))[0]?.taken;

const params = (text: string): string => GOOD.replace('{"amount":4999,"currency":"USD"}', text);

test('the call that the hostile ones are made of is allowed', async () => {
  expect(await taken(GOOD)).toBe('allow');
  expect(await taken(`{"input":${GOOD}}`)).toBe('allow');
});

test.each([
  ['no text', ''],
  ['not JSON', 'allow'],
  ['null', 'null'],
  ['a list', `[${GOOD}]`],
  ['trailing text', `${GOOD} {}`],
  ['duplicate keys', params('{"amount":4999,"amount":50000,"currency":"USD"}')],
  ['duplicate keys, escaped', params('{"amount":4999,"\\u0061mount":50000,"currency":"USD"}')],
  ['__proto__', params('{"amount":4999,"currency":"USD","__proto__":{"amount":1}}')],
  ['__proto__ alone', params('{"__proto__":{"amount":1,"currency":"USD"}}')],
  ['constructor', params('{"amount":4999,"currency":"USD","constructor":{}}')],
  ['NaN', params('{"amount":NaN,"currency":"USD"}')],
  ['Infinity', params('{"amount":-Infinity,"currency":"USD"}')],
  ['1e999', params('{"amount":1e999,"currency":"USD"}')],
  ['-1e999', params('{"amount":-1e999,"currency":"USD"}')],
  ['more digits than anyone compares exactly', params('{"amount":5000.0000000000000000000001,"currency":"USD"}')],
  ['a lone surrogate', params('{"amount":4999,"currency":"USD\\ud800"}')],
  ['a missing amount', params('{"currency":"USD"}')],
  ['an amount of text', params('{"amount":"4999","currency":"USD"}')],
  ['an amount of null', params('{"amount":null,"currency":"USD"}')],
  ['an amount in a list', params('{"amount":[4999],"currency":"USD"}')],
  ['a currency with a newline', params('{"amount":4999,"currency":"USD\\n"}')],
  ['a currency in another case', params('{"amount":4999,"currency":"usd"}')],
  ['an undeclared parameter', params('{"amount":4999,"currency":"USD","extra":1}')],
  ['no parameters', GOOD.replace(/,"params":.*\}\}$/, '}')],
  ['parameters that are a list', params('[4999,"USD"]')],
  ['parameters that are text', params('"amount=4999"')],
  ['another tenant', GOOD.replace('{"agent"', '{"tenant":"other","agent"')],
  ['another agent', GOOD.replace('finance-agent', 'finance-agent2')],
  ['an agent of the prototype', GOOD.replace('finance-agent', 'constructor')],
  ['another tool', GOOD.replace('stripe-payments', 'stripe')],
  ['another action', GOOD.replace('create_payment', 'create_refund')],
  ['every action', GOOD.replace('create_payment', '*')],
  ['a misspelt field', GOOD.replace('"action"', '"Action"')],
  ['an unaccepted caller', GOOD.replace('{"agent"', '{"chain":["stranger","finance-agent"],"agent"')],
  ['a chain that ends elsewhere', GOOD.replace('{"agent"', '{"chain":["planner-agent"],"agent"')],
  [
    'a chain that loops',
    GOOD.replace('{"agent"', '{"chain":["finance-agent","planner-agent","finance-agent"],"agent"'),
  ],
  ['an empty chain', GOOD.replace('{"agent"', '{"chain":[],"agent"')],
  ['a chain that is no list', GOOD.replace('{"agent"', '{"chain":"finance-agent","agent"')],
  ['depth', params(`${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`)],
  ['depth of lists', params(`{"amount":${'['.repeat(100_000)}`)],
  ['size', params(`{"amount":4999,"currency":"${'U'.repeat(400_000)}"}`)],
  ['many parameters', params(`{${Array.from({ length: 20_000 }, (_, i) => `"p${i}":1`).join(',')}}`)],
  ['a byte order mark', `\ufeff${GOOD}`],
  ['a NUL', GOOD.replace('USD', 'USD\u0000')],
])('%s is refused with a reason', async (_, text) => {
  const [decision, ...more] = await decide(text);
  expect(more).toEqual([]);
  expect(['deny', 'approval_needed']).toContain(decision?.taken);
  expect(decision?.reasons[0]?.code).toMatch(/^[A-Z_]+$/);
});

/** What the one permitted call means; a reader that sees anything else in the text must not see an allow. */
function isThePermittedCall(text: string): boolean {
  const value = JSON.parse(text) as Record<string, unknown>;
  const { agent, tool, action, params: given } = (value.input ?? value) as Record<string, Record<string, unknown>>;
  const { amount, currency } = given as { amount?: unknown; currency?: unknown };
  const create = action as unknown as string;
  if ((agent as unknown) !== 'finance-agent' || (tool as unknown) !== 'stripe-payments') return false;
  if (create === 'get_payment') return true;
  return create === 'create_payment' && typeof amount === 'number' && amount <= 5000 && currency === 'USD';
}

const piece = fc.oneof(
  fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\\u0000',
    '\\ud800',
    '\n',
    '\u0000',
    '\ufeff',
    '-',
    '.',
    '0',
    '9',
  ),
  fc.constantFrom(
    '1e999',
    'NaN',
    'null',
    'true',
    '"__proto__":{},',
    '"amount":1,',
    '"currency":"USD",',
    '50000',
    '1e3',
  ),
  fc.constantFrom('"agent":"finance-agent",', '"chain":[],', '"tenant":"fintech",', 'get_payment', '"params":{},'),
  fc.string({ maxLength: 4, unit: 'binary' }),
);

/** The good call, or one above the cap, with pieces cut out, doubled or put in at random places. */
const mutated = fc
  .tuple(
    fc.constantFrom(GOOD, GOOD.replace('4999', '50000'), GOOD.replace('"USD"', '"EUR"')),
    fc.array(fc.tuple(fc.nat(160), fc.nat(6), fc.option(piece)), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, edits]) =>
    edits.reduce((current, [at, cut, insert]) => current.slice(0, at) + (insert ?? '') + current.slice(at + cut), text),
  );

test(`of ${CASES} mutated calls none is allowed that another reader would read otherwise, and none crashes`, async () => {
  let allowed = 0;
  await fc.assert(
    fc.asyncProperty(mutated, async (text) => {
      const decisions = await decide(text);
      expect(decisions.length).toBeGreaterThan(0);
      for (const decision of decisions) {
        if (!passes(decision)) {
          if (decision.reasons.length === 0) throw new Error('refused without a reason');
          continue;
        }
        allowed++;
        if (!isThePermittedCall(text)) throw new Error(`allowed: ${text}`);
      }
    }),
    { numRuns: CASES },
  );
  // the property is not empty
  expect(allowed).toBeGreaterThan(100);
});
