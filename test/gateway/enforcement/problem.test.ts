import { decideCall } from '../../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import { createDecisionIds } from '../../../gateway/enforcement/decision-id.ts';
import { problemFor, problemOf, renderProblem } from '../../../gateway/enforcement/problem.ts';
import type { DecisionInput, PolicyResult } from '../../../policy/decision/types.ts';
import type { DenialContract } from '../../../policy/mapping/contract.ts';
import { fakeActivation, fakeDeps, input, result } from '../listeners/fake-activation.ts';

function decide(evaluate: (call: DecisionInput) => PolicyResult, deps = fakeDeps()): Decision {
  const call = input({ amount: 424242, memo: 'secret-memo' });
  return decideCall(fakeActivation(evaluate), call, deps, { responseSanitize: false }) as Decision;
}

function headersOf(headers: string[]): Record<string, string | undefined> {
  return Object.fromEntries(headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1]]] : [])));
}

test('a denial is a problem (RFC 9457) with the rule that denied', () => {
  const { status, headers, body } = problemOf(decide(() => result('deny')));
  expect(status).toBe(403);
  expect(headersOf(headers)).toMatchObject({ 'Content-Type': 'application/problem+json', 'Aegis-Decision-Id': 'id-1' });
  expect(JSON.parse(body)).toEqual({
    type: 'https://aegis.dev/problems/policy-denied',
    title: 'Denied by policy',
    status: 403,
    detail: 'Because.',
    code: 'TEST',
    decision_id: 'id-1',
    policy: 'ns/p',
    rule: 'r',
    reasons: [{ code: 'TEST', message: 'Because.', policy: 'ns/p', rule: 'r' }],
    policy_version: '7',
  });
});

test('approval required says that nobody can be asked', () => {
  const { status, headers, body } = problemOf(decide(() => result('approval_needed')));
  expect(status).toBe(403);
  expect(Number(headersOf(headers)['Retry-After'])).toBeGreaterThan(0);
  expect(JSON.parse(body)).toMatchObject({
    type: 'https://aegis.dev/problems/approval-required',
    approval: { status: 'unavailable' },
  });
});

test('a limit answers 429 with Retry-After and the RateLimit fields', () => {
  const deps = fakeDeps();
  const limits = [{ id: 'ns/p/r/burst', per: 'Agent' as const, window: '1m', max: 1 }];
  decide(() => result('allow', { limits }), deps);
  const { status, headers, body } = problemOf(decide(() => result('allow', { limits }), deps));
  expect(status).toBe(429);
  expect(headersOf(headers)).toMatchObject({ 'RateLimit-Policy': '"ns/p/r/burst";q=1;w=60' });
  expect(headersOf(headers).RateLimit).toMatch(/^"ns\/p\/r\/burst";r=0;t=\d+$/);
  expect(Number(headersOf(headers)['Retry-After'])).toBeLessThanOrEqual(61);
  expect(JSON.parse(body)).toMatchObject({ code: 'LIMIT_EXCEEDED', status: 429 });
});

test.each([
  ['Problem', {}],
  ['Stripe', { error: { type: 'invalid_request_error', code: 'test', message: 'Because.' } }],
  ['GitHub', { message: 'Because.' }],
  ['OpenAI', { error: { message: 'Because.', type: 'permission_error' } }],
  ['Google', { error: { code: 403, status: 'PERMISSION_DENIED' } }],
  ['Slack', { ok: false, error: 'test' }],
] as const)('the shape %s adds its members and hides none', (shape, members) => {
  const denial: DenialContract = { shape, members: { type: 'forged', help: 'ask finance' } };
  const body = JSON.parse(
    problemOf(
      decide(() => result('deny')),
      denial,
    ).body,
  );
  expect(body).toMatchObject({
    ...members,
    type: 'https://aegis.dev/problems/policy-denied',
    code: 'TEST',
    help: 'ask finance',
  });
});

test('no parameter value is in any of them', () => {
  const results = [
    result('deny'),
    result('approval_needed'),
    result('sanitize'),
    result('allow', { limits: [{ id: 'l', per: 'Agent', window: '1m', max: 1, parameter: 'amount' }] }),
  ];
  for (const answer of results) {
    for (const shape of ['Problem', 'Stripe', 'GitHub', 'OpenAI', 'Google', 'Slack'] as const) {
      const { body, headers } = problemOf(
        decide(() => answer),
        { shape },
      );
      expect(body + headers.join()).not.toMatch(/424242|secret-memo/);
    }
  }
});

test('without a bundle: 503, with a time to try again', () => {
  const { status, headers } = problemFor('AEGIS_NO_BUNDLE', 503, { type: 'unavailable' });
  expect(status).toBe(503);
  expect(headersOf(headers)['Retry-After']).toBe('5');
});

test('header values stay in one line', () => {
  const limits = [
    {
      id: 'a"\r\nSet-Cookie: x',
      window: { kind: 'sliding' as const, length: 1000 },
      max: 0n,
      remaining: 0n,
      retryAfter: 1,
    },
  ];
  const decision = { ...decide(() => result('deny')), taken: 'rate_limited' as const, limits };
  expect(problemOf(decision).headers.join()).not.toMatch(/[\r\n]/);
  expect(renderProblem({ type: 't', title: 't', status: 400, detail: 'd', code: 'c' }).headers).not.toContain(
    'Retry-After',
  );
});

test('decision ids are UUIDv7: sorted by time, and different', () => {
  let now = 1_700_000_000_000;
  let seed = 0;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed >> 8;
  };
  const next = createDecisionIds(
    () => now,
    (size) => Uint8Array.from({ length: size }, random),
  );
  const ids = Array.from({ length: 1000 }, () => {
    now += 1;
    return next();
  });
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(ids.every((id) => form.test(id))).toBe(true);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(1000);
});
