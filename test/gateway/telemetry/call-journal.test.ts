import type { CallInfo } from '../../../gateway/telemetry/call-hooks.ts';
import { CallJournal } from '../../../gateway/telemetry/call-journal.ts';
import { decisionLogLines } from '../../../gateway/telemetry/decision-log.ts';
import { decisionOf, until } from './decisions.ts';

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
const INFO: CallInfo = { micros: 61.7, via: 'prefix' };
const OUTCOME = { status: 200, bytes: 12, millis: 34.5678 };

function journalOf(options: { holdFor?: number; maxOpen?: number } = {}) {
  const lines: Record<string, unknown>[] = [];
  const complete: string[] = [];
  const log = decisionLogLines((line) => {
    expect(line.endsWith('\n')).toBe(true);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  const journal = new CallJournal([log, { complete: ({ decision }) => complete.push(decision.id) }], {
    ticks: () => performance.now(),
    ...options,
  });
  return { journal, lines, complete };
}

test('a call is one line, with its decision and its outcome', () => {
  const { journal, lines, complete } = journalOf();
  const decision = decisionOf({ cost: '0.25', candidates: [], params: { card: '4242 4242 4242 4242' } });
  journal.onDecision(decision, { ...INFO, traceparent: TRACE });
  expect(lines).toEqual([]);
  expect(journal.inFlight).toBe(1);
  journal.onOutcome(decision, OUTCOME);
  expect(journal.inFlight).toBe(0);
  expect(lines).toEqual([
    {
      kind: 'decision',
      decision_id: decision.id,
      time: '2023-11-14T22:13:20.000Z',
      tenant: 'fintech',
      sequence: 7,
      agent: 'finance-agent',
      tool: 'stripe-payments',
      action: 'create_payment',
      verdict: 'allow',
      taken: 'allow',
      reasons: [],
      candidates: [],
      cost: '0.25',
      micros: 62,
      via: 'prefix',
      outcome: { status: 200, bytes: 12, ms: 34.568 },
      trace_id: '0af7651916cd43dd8448eb211c80319c',
    },
  ]);
  expect(JSON.stringify(lines)).not.toContain('4242');
  expect(complete).toEqual([decision.id]);
  journal.close();
});

test('a decision that somebody else carries out is a line at once', () => {
  const { journal, lines, complete } = journalOf();
  const decision = decisionOf({
    taken: 'deny',
    verdict: 'deny',
    reasons: [{ code: 'MAX_AMOUNT', message: 'Too much.' }],
  });
  journal.onDecision(decision, { micros: 5, via: 'decisions' });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ via: 'decisions', reasons: [{ code: 'MAX_AMOUNT', message: 'Too much.' }] });
  expect(complete).toHaveLength(1);
  expect(journal.inFlight).toBe(0);
  journal.close();
});

test('a long call has its outcome on a second line', async () => {
  const { journal, lines, complete } = journalOf({ holdFor: 10 });
  const decision = decisionOf();
  journal.onDecision(decision, INFO);
  await until(() => lines.length === 1);
  expect(lines[0]).not.toHaveProperty('outcome');
  expect(complete).toEqual([]);
  journal.onOutcome(decision, { ...OUTCOME, status: 0, error: 'AEGIS_UPSTREAM_FAILED' });
  expect(lines[1]).toMatchObject({
    kind: 'outcome',
    decision_id: decision.id,
    outcome: { status: 0, error: 'AEGIS_UPSTREAM_FAILED' },
  });
  expect(complete).toEqual([decision.id]);
  journal.close();
});

test('the number of open calls is bounded, and the end tells them all', () => {
  const { journal, lines, complete } = journalOf({ maxOpen: 3 });
  const decisions = Array.from({ length: 5 }, () => decisionOf());
  for (const decision of decisions) journal.onDecision(decision, INFO);
  expect(complete).toEqual(decisions.slice(0, 2).map(({ id }) => id));
  expect(journal.inFlight).toBe(3);
  journal.close();
  expect(complete).toEqual(decisions.map(({ id }) => id));
  expect(lines).toHaveLength(5);
  journal.onOutcome(decisions[0] as (typeof decisions)[0], OUTCOME);
  expect(lines).toHaveLength(5);
});
