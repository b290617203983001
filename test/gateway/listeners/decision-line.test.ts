import { decideCall } from '../../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import { decisionLine } from '../../../gateway/listeners/decision-line.ts';
import { fakeActivation, fakeDeps, input, result } from './fake-activation.ts';

const decision = decideCall(
  fakeActivation(() => result('deny')),
  input({ memo: 'secret-memo' }),
  fakeDeps(),
  {
    responseSanitize: false,
  },
) as Decision;

test('one line, everything that matters, no values', () => {
  const line = decisionLine(decision, 83.6);
  expect(line).toBe(
    '22:13:20.000  deny             finance-agent → stripe-payments.create_payment' +
      '  ns/p/r  TEST: Because.  id-1  84 µs',
  );
});

test('what the policy says, where the gateway does another thing', () => {
  expect(decisionLine({ ...decision, verdict: 'allow' }, 1)).toContain('deny (policy: allow)');
});

test('colour only when asked for, and no escape from names', () => {
  expect(decisionLine(decision, 1, { colour: true })).toContain('\u001b[31mdeny');
  const forged = { ...decision, agent: 'a\u001b[2J\nallow', reasons: [{ code: 'X', message: 'a\r\nb\u202e' }] };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
  expect(decisionLine(forged, 1)).not.toMatch(/[\u0000-\u001f\u202e]/);
});
