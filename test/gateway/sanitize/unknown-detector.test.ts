import { decideCall } from '../../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import type { RedactObligation } from '../../../policy/decision/types.ts';
import { fakeActivation, fakeDeps, input, result } from '../listeners/fake-activation.ts';

function decide(redact: RedactObligation[]): Decision {
  const activation = fakeActivation(() => result('sanitize', { redact }));
  return decideCall(activation, input({}), fakeDeps(), { responseSanitize: true }) as Decision;
}

test('a detector that this gateway does not know is a deny', () => {
  expect(decide([{ detector: 'credit-card', op: 'mask' }])).toMatchObject({ taken: 'sanitize' });
  const unknown = { taken: 'deny', reasons: [{ code: 'UNKNOWN_OBLIGATION' }] };
  expect(decide([{ detector: 'retina-scan', op: 'mask' }])).toMatchObject(unknown);
  expect(decide([{ pointer: '/a~2', op: 'drop' }])).toMatchObject(unknown);
});
