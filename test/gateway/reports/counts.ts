import type { ActivationSource } from '../../../gateway/enforcement/activation.ts';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import { CallCounts, type CallCountsOptions } from '../../../gateway/reports/call-counts.ts';
import type { CallInfo } from '../../../gateway/telemetry/call-hooks.ts';
import type { Verdict } from '../../../policy/decision/types.ts';
import { decisionOf } from '../telemetry/decisions.ts';

export const POLICY = 'fintech/finance-payments';
export const REVISION = `sha256:${'5'.repeat(64)}`;
export const INFO: CallInfo = { micros: 50, via: 'prefix' };

const source: ActivationSource = {
  get: () =>
    ({
      contract: (_agent: string, tool: string) =>
        tool === 'stripe-payments' ? { actions: [{ name: 'create_payment' }] } : undefined,
    }) as unknown as ReturnType<ActivationSource['get']>,
  list: () => [],
};

export function newCounts(options: Partial<CallCountsOptions> = {}): CallCounts {
  let boots = 0;
  return new CallCounts({
    source,
    now: () => Date.parse('2026-03-01T00:00:00Z'),
    ticks: () => 0,
    newBoot: () => `boot-000${++boots}`,
    ...options,
  });
}

/** A call that the policy judges so, and a candidate of `policy` otherwise; undefined: it gave no verdict. */
export function compared(
  verdict: Verdict,
  other?: Verdict,
  policy = POLICY,
  revision: string | null = REVISION,
): Decision {
  const outcome = other && { verdict: other, reasons: [], obligations: decisionOf().obligations };
  const candidates = [{ policy, revision, outcome }] as unknown as Decision['candidates'];
  return decisionOf({ verdict, taken: verdict, candidates });
}

export function refused(values: Partial<Decision> = {}, rule = 'cap-payments'): Decision {
  const reasons = [{ code: 'ABOVE_MAXIMUM', message: 'secret 4711', policy: POLICY, rule, param: 'amount' }];
  return decisionOf({ verdict: 'deny', taken: 'deny', reasons, ...values });
}
