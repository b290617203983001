import { request } from 'undici';
import { FailureWorld } from '../../support/failure-world.ts';
import { metric, until } from '../../support/gateway-view.ts';

/** Nobody can be asked: what needs an approval is refused at once, in the tool's own form, and costs nothing. */

let world: FailureWorld;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish({ cap: 60, above: 'approval_needed', budget: 100 });
});

afterAll(() => world.close());

test('refused at once, nothing reaches the tool, and no limit is spent', async () => {
  const gateway = await world.start();
  await world.read(gateway);
  world.tool.reached.length = 0;

  const began = performance.now();
  const answers = await Promise.all([100, 61, 1_000_000].map((amount) => world.write(gateway, amount)));
  expect(performance.now() - began).toBeLessThan(1000);
  for (const { status, headers, problem } of answers) {
    expect(status).toBe(403);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(problem).toMatchObject({
      type: 'https://aegis.dev/problems/approval-required',
      code: 'ABOVE_MAXIMUM',
      policy: 'books/bookkeeping',
      rule: 'write',
      approval: { status: 'unavailable' },
      // as the tool's own SDKs read it
      error: { type: 'invalid_request_error', message: expect.stringContaining('at most 60') },
    });
    expect(problem.decision_id).toBe(headers['aegis-decision-id']);
  }
  expect(world.tool.reached).toEqual([]);

  const asked = await request(`http://127.0.0.1:${gateway.decisions}/v1/decisions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ agent: 'clerk-agent', tool: 'ledger', action: 'add_entry', params: { amount: 100 } }),
  });
  expect(await asked.body.json()).toMatchObject({ enforced: { verdict: 'approval_needed' } });

  // the budget of 100 is whole: two calls of 50 fit, and then nothing
  expect((await world.write(gateway, 50)).status).toBe(200);
  expect((await world.write(gateway, 50)).status).toBe(200);
  expect((await world.write(gateway, 1)).status).toBe(429);
  expect(world.tool.reached).toHaveLength(2);
  const labels = { verdict: 'approval_needed', taken: 'approval_needed' };
  expect(await metric(gateway, 'aegis_gateway_decisions_total', labels)).toBe(4);
  await until('the log', () => gateway.log().filter(({ taken }) => taken === 'approval_needed').length === 4);
});
