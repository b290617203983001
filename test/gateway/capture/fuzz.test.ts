import fc from 'fast-check';
import { passes } from '../../../gateway/enforcement/decision.ts';
import { call } from '../listeners/http-client.ts';
import { openWorld, type World } from './harness.ts';
import { exchangeRaw } from './hostile/raw-socket.ts';
import { BODY, CHUNKED, chunked, get, LENGTH, PAY, post } from './hostile/requests.ts';

/** Damaged requests of every kind: some are still in order, most are not; none reaches a tool undecided. */

let world: World;

beforeAll(async () => {
  world = await openWorld({ limits: { headTimeout: 500, bodyTimeout: 500 } });
});
afterAll(() => world.close());

const seeds = [
  get(),
  post(LENGTH),
  post(CHUNKED, chunked()),
  `GET http://api.stripe.test/v1/payment_intents/x HTTP/1.1\r\nHost: api.stripe.test\r\n\r\n`,
  'CONNECT api.stripe.test:443 HTTP/1.1\r\nHost: api.stripe.test:443\r\n\r\n\x16\x03\x01\x00\x05hello',
  `${get()}${post(LENGTH)}`,
];
const TOKENS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  'Host: a\r\n',
  CHUNKED,
  LENGTH,
  '0\r\n\r\n',
  '%2e',
  '/',
  '\xff',
  '#',
];

const damage = fc.record({
  at: fc.nat(),
  remove: fc.nat(6),
  insert: fc.oneof(fc.constantFrom(...TOKENS), fc.string({ unit: 'binary-ascii', maxLength: 3 })),
});

function damaged(seed: string, changes: { at: number; remove: number; insert: string }[]): string {
  return changes.reduce((text, { at, remove, insert }) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + insert + text.slice(place + remove);
  }, seed);
}

test('nothing reaches a tool undecided, and the gateway serves on', async () => {
  const port = world.bound.proxy?.port as number;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...seeds),
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      fc.nat(40),
      async (seed, changes, cut) => {
        const text = damaged(seed, changes);
        await exchangeRaw(port, [text.slice(0, cut), text.slice(cut)].filter(Boolean), { patience: 8, wait: 60 });
        // Both grow over all runs, because what was sent may arrive late.
        expect(world.seen.length).toBeLessThanOrEqual(world.decisions.filter(passes).length);
        for (const { url, body } of world.seen.slice(-3)) {
          expect(url).toMatch(/^\/v1\/payment_intents(?:[/?]|$)/);
          expect(body === '' || body.includes('=') || !body.includes('\r')).toBe(true);
        }
      },
    ),
    { numRuns: 250 },
  );
  expect((await call(port, 'POST', PAY, ['Content-Type', 'application/x-www-form-urlencoded'], BODY)).status).toBe(201);
  const defects = world.errors.filter((error) => error instanceof TypeError || error instanceof RangeError);
  expect(defects).toEqual([]);
});
