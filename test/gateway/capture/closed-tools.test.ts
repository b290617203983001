/** A tool that is gone while its agent still names it: where hosts of no tool pass, its own do not. */
import { connect } from 'node:net';
import type { UnknownHosts } from '../../../gateway/capture/ways/unknown-hosts.ts';
import { closedSpec } from '../../../policy/compiler/closed-tools.ts';
import { STRIPE } from '../listeners/fake-activation.ts';
import { openWorld, type World } from './harness.ts';
import { ask, handshake, openTunnel } from './tls-client.ts';

const HOST = 'api.stripe.test';
const GET = `GET /v1/payment_intents/pi_1 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;

let world: World;
let passed: string[];

beforeAll(async () => {
  passed = [];
  const unknownHosts: UnknownHosts = {
    admits({ host }) {
      passed.push(host);
      return true;
    },
    connect: async () => connect(world.toolPort, '127.0.0.1'),
  };
  world = await openWorld({
    listeners: { proxy: { port: 0 }, http: { port: 0 }, tls: { port: 0 }, tools: { 'stripe-payments': { port: 0 } } },
    tools: { 'stripe-payments': closedSpec(STRIPE) },
    unknownHosts,
  });
});

afterAll(() => world.close());

const to = (port: number | undefined) => connect(port as number, '127.0.0.1');

const WAYS: [string, () => Promise<{ status: number }>][] = [
  ['redirected HTTP', () => ask(to(world.bound.http?.port), GET)],
  [
    'redirected TLS',
    async () => ask(await handshake(to(world.bound.tls?.port), { serverName: HOST, caFile: world.caFile }), GET),
  ],
  ['forward proxy', () => ask(to(world.bound.proxy?.port), GET.replace('/v1', `http://${HOST}/v1`))],
  [
    'CONNECT',
    async () => {
      const trust = { serverName: HOST, caFile: world.caFile };
      return ask(await openTunnel(world.bound.proxy?.port as number, `${HOST}:443`, trust), GET);
    },
  ],
  ['port of the tool', () => ask(to(world.bound.tools['stripe-payments']?.port), GET.replace(HOST, 'localhost'))],
];

test.each(WAYS)('%s: refused, and nothing passes', async (_, send) => {
  world.reset();
  passed.length = 0;
  expect((await send()).status).toBe(403);
  expect(world.decisions).toMatchObject([{ tool: 'stripe-payments', taken: 'deny' }]);
  expect([...world.seen, ...passed]).toEqual([]);
});

test('another host passes', async () => {
  world.reset();
  const { status } = await ask(to(world.bound.http?.port), GET.replace(HOST, 'other.example'));
  expect(status).toBe(201);
  expect(passed).toEqual(['other.example']);
});
