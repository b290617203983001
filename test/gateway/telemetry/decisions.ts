import { type Decision, noObligations } from '../../../gateway/enforcement/decision.ts';
import { createDecisionIds } from '../../../gateway/enforcement/decision-id.ts';

/** Decisions for tests of telemetry. */
let count = 0;
const ids = createDecisionIds(
  () => 1_700_000_000_000,
  (size) => new Uint8Array(size).map(() => (count = (count * 73 + 41) % 251)),
);

export function decisionOf(values: Partial<Decision> = {}): Decision {
  return {
    id: ids(),
    tenant: 'fintech',
    sequence: 7,
    at: 1_700_000_000_000,
    agent: 'finance-agent',
    tool: 'stripe-payments',
    action: 'create_payment',
    verdict: 'allow',
    taken: 'allow',
    reasons: [],
    obligations: noObligations(),
    candidates: [],
    ...values,
  };
}

export async function until(condition: () => boolean, ms = 10_000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
