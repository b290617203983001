/** A reload loses no call and decides none by a mixture of two bundles. */

import { decideCall } from '../../../gateway/enforcement/decide-call.ts';
import type { LimitStore } from '../../../gateway/limits/limit-store.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { gateway } from './gateway-under-test.ts';
import { payment, sign, sliceArchive, TENANT } from './publisher.ts';

test('calls in flight keep the bundle that they began with', async () => {
  const now = Date.now();
  const under = gateway({ clock: systemClock });
  const caps = new Map(Array.from({ length: 30 }, (_, i) => [i + 1, i % 2 === 0 ? 1000 : 2000]));
  const archives = [...caps].map(([sequence, cap]) => sliceArchive(sign({ sequence, cap, issuedAt: now - 1_000 })));
  await under.sink.offer({ archive: archives[0] as Uint8Array });
  /** Answers late, so that calls outlive the activation that they began with. */
  const limits: LimitStore = {
    reserve: () =>
      new Promise((resolve) =>
        setTimeout(() => resolve({ ok: true, reservation: { settle() {}, release() {} } } as never), 3),
      ),
  };
  let id = 0;
  const deps = { now: Date.now, newId: () => String(id++), limits, hash: (text: string) => text };
  let reloading = true;
  const seen = new Map<number, number>();
  const caller = async (): Promise<void> => {
    while (reloading) {
      const activation = under.activations.get(TENANT);
      if (activation === undefined) throw new Error('no bundle');
      const decision = await decideCall(activation, payment(1500), deps, { responseSanitize: true });
      expect(decision.taken).toBe(caps.get(decision.sequence) === 2000 ? 'allow' : 'approval_needed');
      expect(decision.sequence).toBe(activation.sequence);
      seen.set(decision.sequence, (seen.get(decision.sequence) ?? 0) + 1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const callers = Array.from({ length: 20 }, caller);
  for (const archive of archives.slice(1)) expect((await under.sink.offer({ archive })).outcome).toBe('activated');
  reloading = false;
  await Promise.all(callers);
  expect(under.active?.sequence).toBe(30);
  expect(seen.size).toBeGreaterThan(10);
});
