import type { ViolationIncrement } from '../../../operator/serving/evidence-table.ts';
import { ViolationEvents } from '../../../operator/serving/violation-events.ts';
import { FakeClock } from '../../gateway/bundles/fake-clock.ts';
import { registrationOf } from './registration-of.ts';

function increment(calls: number, more: Partial<ViolationIncrement> = {}): ViolationIncrement {
  return {
    policy: 'fintech/finance-payments',
    rule: 'cap-payments',
    tool: 'stripe-payments',
    action: 'create_payment',
    code: 'CONDITION_FAILED',
    verdict: 'deny',
    calls,
    ...more,
  };
}

function open() {
  const clock = new FakeClock(0);
  const recorded: { regarding: { metadata: { name: string } }; action: string; note: string; reason: string }[] = [];
  const violations = new ViolationEvents({
    clock,
    events: { record: (event) => recorded.push(event) },
    registration: (key) => (key === 'n/gone' ? undefined : registrationOf('n', key.slice(2), 'a')),
  });
  const notes = () => recorded.splice(0).map(({ note }) => note);
  return { clock, recorded, violations, notes };
}

test('a call that no action was found for names the tool alone', () => {
  const { violations, notes } = open();
  violations.add('n/a', [increment(1, { action: '', policy: '', rule: '', code: 'AEGIS_MAPPING_UNMAPPED' })]);
  violations.flush();
  expect(notes()).toEqual(['1 call of stripe-payments refused: AEGIS_MAPPING_UNMAPPED']);
});

test('one event per cause and minute; what comes in between is added up', async () => {
  const { clock, violations, recorded, notes } = open();
  const stop = new AbortController();
  const running = violations.run(stop.signal);
  violations.add('n/a', [increment(5)]);
  await clock.advance(0);
  expect(recorded[0]).toMatchObject({
    regarding: { metadata: { name: 'a' } },
    type: 'Warning',
    reason: 'PolicyViolation',
    action: 'create_payment',
    note: '5 calls of stripe-payments/create_payment refused: CONDITION_FAILED by fintech/finance-payments/cap-payments',
  });
  notes();
  violations.add('n/a', [increment(1)]);
  await clock.advance(30_000);
  violations.add('n/a', [increment(2), increment(1, { action: 'refund' })]);
  expect(notes()).toEqual([]);
  await clock.advance(30_000);
  expect(notes()).toEqual([
    '3 calls of stripe-payments/create_payment, 1 of stripe-payments/refund refused: CONDITION_FAILED by fintech/finance-payments/cap-payments',
  ]);
  // another registration, another rule: another cause
  violations.add('n/b', [increment(1), increment(1, { rule: 'other' })]);
  await clock.advance(0);
  expect(notes()).toHaveLength(2);
  violations.add('n/b', [increment(1)]);
  stop.abort();
  await running;
  expect(notes()).toEqual([
    '1 call of stripe-payments/create_payment refused: CONDITION_FAILED by fintech/finance-payments/cap-payments',
  ]);
});

test('what no policy refused, and what is no denial, is said as such', () => {
  const { violations, notes } = open();
  violations.add('n/a', [increment(1, { policy: '', rule: '', code: 'TOOL_NOT_GRANTED' })]);
  violations.add('n/a', [increment(2, { verdict: 'approval_needed', code: 'APPROVAL' })]);
  violations.flush();
  expect(notes()).toEqual([
    '1 call of stripe-payments/create_payment refused: TOOL_NOT_GRANTED',
    '2 calls of stripe-payments/create_payment not let through (approval_needed): APPROVAL by fintech/finance-payments/cap-payments',
  ]);
});

test('is bounded, whatever a gateway makes up', () => {
  const { violations, notes, recorded } = open();
  for (let i = 0; i < 1_000; i++) violations.add('n/a', [increment(1, { rule: `rule-${i}`, action: `action-${i}` })]);
  violations.add('n/gone', [increment(1)]);
  violations.flush();
  expect(recorded).toHaveLength(33);
  const total = recorded.length - 1;
  const last = notes().at(-1) ?? '';
  expect(last).toContain('refused: OTHER_REASONS');
  expect(last).toContain(`${1_000 - total - 32} calls of other actions`);
  violations.add('n/a', [increment(1, { rule: 'r', code: 'C', action: 'x'.repeat(250), tool: 't'.repeat(2_000) })]);
  violations.flush(true);
  const note = recorded.at(-1);
  expect([(note?.note.length ?? 0) <= 1_000, (note?.action.length ?? 0) <= 128]).toEqual([true, true]);
});
