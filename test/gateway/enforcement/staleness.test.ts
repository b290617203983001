import type { Activation } from '../../../gateway/enforcement/activation.ts';
import { decideCall } from '../../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import { problemOf } from '../../../gateway/enforcement/problem.ts';
import { isStale, tooStale } from '../../../gateway/enforcement/staleness.ts';
import type { Source } from '../../../policy/source/load-sources.ts';
import { edited } from '../../support/sample.ts';
import { gateway } from '../bundles/gateway-under-test.ts';
import { contentOf, READ, sign, sliceArchive } from '../bundles/publisher.ts';
import { fakeActivation, fakeDeps, input, result } from '../listeners/fake-activation.ts';

const OPTIONS = { responseSanitize: true };
const HOUR = 3_600_000;

function aged(age: number, allows = false): Activation {
  return {
    ...fakeActivation(() => result('allow')),
    freshness: { age: () => age, maxStaleness: HOUR, staleAllows: () => allows },
  };
}

const decide = (activation: Activation, call = input({})) =>
  decideCall(activation, call, fakeDeps(), OPTIONS) as Decision;

test('young enough: the policy decides', () => {
  expect(decide(aged(HOUR)).taken).toBe('allow');
  expect(decide(fakeActivation(() => result('allow'))).taken).toBe('allow');
});

test('too old: every call is refused, and the refusal is not the fault of the call', () => {
  const decision = decide(aged(HOUR + 1));
  expect(decision).toMatchObject({ verdict: 'deny', taken: 'deny', reasons: [{ code: 'BUNDLE_STALE' }] });
  const { status, headers, body } = problemOf(decision);
  expect(status).toBe(503);
  expect(headers).toContain('Retry-After');
  expect(JSON.parse(body)).toMatchObject({ code: 'BUNDLE_STALE', status: 503, retry_after: 5, policy_version: '7' });
});

test('an age that is no number is too old', () => {
  expect(isStale(aged(Number.NaN))).toBe(true);
  expect(tooStale(aged(Number.NaN), input({}))).toBe(true);
});

test('a stale policy that may still decide also still denies', () => {
  const denying = { ...aged(2 * HOUR, true), evaluate: () => result('deny') };
  expect(decide(denying)).toMatchObject({ taken: 'deny', reasons: [{ code: 'TEST' }] });
  expect(decide(aged(2 * HOUR, true)).taken).toBe('allow');
});

describe('StaleReadOnly', () => {
  const optIn = (sources: Source[]): Source[] =>
    edited(sources, 'kind: AgentTenant', 'kind: AgentTenant').map(({ file, text }) => ({
      file,
      text: text.replace(
        /(kind: AgentTenant\n[\s\S]*?spec:\n)/,
        '$1  failMode: StaleReadOnly\n  bundle: {maxStaleness: 1h}\n',
      ),
    }));
  const lowRisk = (sources: Source[]): Source[] => edited(sources, 'riskTier: high', 'riskTier: low');
  const lowRules = (sources: Source[]): Source[] =>
    sources.map(({ file, text }) => ({ file, text: text.replaceAll('riskTier: high', 'riskTier: low') }));

  async function stale(change: (sources: Source[]) => Source[], name: string, options: { failMode?: 'Closed' } = {}) {
    const under = gateway(options);
    const content = contentOf(5000, change, name);
    expect(await under.sink.offer({ archive: sliceArchive(sign({ content })) })).toEqual({ outcome: 'activated' });
    const activation = under.active as Activation;
    expect(decide(activation, READ).taken).toBe('allow');
    await under.clock.advance(2 * HOUR);
    expect(under.updater.status().state).toBe('stale');
    return { activation, status: under.updater.status() };
  }
  const write = { ...READ, action: 'create_payment', params: { amount: 1, currency: 'USD' } };

  test('low-risk reads go on by the stale policy; nothing else does', async () => {
    const { activation, status } = await stale((sources) => lowRules(lowRisk(optIn(sources))), 'low');
    expect(status).toMatchObject({ failMode: 'StaleReadOnly', maxStaleness: HOUR });
    expect(decide(activation, READ).taken).toBe('allow');
    expect(decide(activation, write)).toMatchObject({ taken: 'deny', reasons: [{ code: 'BUNDLE_STALE' }] });
    const unknown = { ...READ, action: 'nothing' };
    expect(decide(activation, unknown).reasons[0]?.code).toBe('BUNDLE_STALE');
    expect(decide(activation, { ...READ, agent: 'planner-agent' }).reasons[0]?.code).toBe('BUNDLE_STALE');
  });

  test('not where the tool has a higher risk', async () => {
    const { activation } = await stale(optIn, 'opted');
    expect(decide(activation, READ).reasons[0]?.code).toBe('BUNDLE_STALE');
  });

  test('not where a rule about the action has a higher risk', async () => {
    const risky = (sources: Source[]) =>
      edited(
        lowRules(lowRisk(optIn(sources))),
        'actions: [get_payment]',
        'actions: [get_payment]\n    riskTier: medium',
      );
    const { activation } = await stale(risky, 'rule');
    expect(decide(activation, READ).reasons[0]?.code).toBe('BUNDLE_STALE');
  });

  test('not where the gateway is told to be closed, nor where the tenant did not opt in', async () => {
    const told = await stale((sources) => lowRules(lowRisk(optIn(sources))), 'low', { failMode: 'Closed' });
    expect(told.status.failMode).toBe('Closed');
    expect(decide(told.activation, READ).reasons[0]?.code).toBe('BUNDLE_STALE');
    const shorter = (sources: Source[]) =>
      edited(lowRules(lowRisk(optIn(sources))), 'failMode: StaleReadOnly', 'failMode: Closed');
    const closed = await stale(shorter, 'closed');
    expect(decide(closed.activation, READ).reasons[0]?.code).toBe('BUNDLE_STALE');
  });
});
