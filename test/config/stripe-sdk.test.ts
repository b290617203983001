/** What Stripe's own SDK for Node sends is understood by the catalogue's mapping, and what it reads of a denial. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { findEntry } from '../../cli/catalogue/catalogue.ts';
import { renderProblem } from '../../gateway/enforcement/problem.ts';
import { routerOf } from '../../gateway/mapping/action-router.ts';
import { type MappingResult, mapRequest } from '../../gateway/mapping/map-request.ts';
import { stringifyExact } from '../../policy/decision/stringify.ts';
import { compileToolContract } from '../../policy/mapping/contract.ts';
import { catalogue } from '../cli/support/memory-context.ts';

const { tool } = findEntry(catalogue(), 'stripe');
const router = routerOf(compileToolContract('stripe', tool.spec));
let server: Server;
let stripe: Stripe;
const seen: MappingResult[] = [];

beforeAll(async () => {
  server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = '', url = '', rawHeaders } = req;
    const result = mapRequest(router, { method, target: url, rawHeaders, body: body.length > 0 ? body : undefined });
    seen.push(result);
    if (result.ok) {
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"x"}');
      return;
    }
    const { code, message } = result.refusal;
    const problem = renderProblem(
      { type: 'https://aegis.dev/problems/policy-denied', title: 'Denied', status: 403, detail: message, code },
      { denial: { shape: 'Stripe' } },
    );
    res.writeHead(problem.status, problem.headers).end(problem.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  stripe = new Stripe('sk_test_x', { host: '127.0.0.1', port, protocol: 'http', maxNetworkRetries: 2 });
});

afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  seen.length = 0;
});

function mapped(): unknown {
  const [first, ...more] = seen;
  expect(more).toEqual([]);
  if (first === undefined || !first.ok) throw new Error(first?.refusal.code ?? 'no request came');
  return [first.call.action.name, JSON.parse(stringifyExact(first.call.params))];
}

test('lists, maps and flags of a payment', async () => {
  await stripe.paymentIntents.create({
    amount: 499900,
    currency: 'usd',
    automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    metadata: { order: '7', note: 'a b & c' },
    expand: ['customer', 'latest_charge'],
    shipping: { name: 'Ana', address: { line1: '1 Road', city: 'Lyon' } },
  });
  expect(mapped()).toEqual([
    'create_payment_intent',
    {
      amount: 4999,
      currency: 'USD',
      automatic_payment_methods: true,
      allow_redirects: 'never',
      metadata: { order: '7', note: 'a b & c' },
      expand: ['customer', 'latest_charge'],
      shipping: { name: 'Ana', address: { line1: '1 Road', city: 'Lyon' } },
    },
  ]);
});

test('lists of maps, cleared maps, searches', async () => {
  await stripe.subscriptions.create({ customer: 'cus_1', items: [{ price: 'p', quantity: 2 }, { price: 'q' }] });
  expect(mapped()).toEqual([
    'create_subscription',
    { customer: 'cus_1', items: [{ price: 'p', quantity: '2' }, { price: 'q' }] },
  ]);
  seen.length = 0;
  await stripe.paymentIntents.update('pi_1', { metadata: '' });
  expect(mapped()).toEqual(['update_payment_intent', { id: 'pi_1', metadata: {} }]);
  seen.length = 0;
  await stripe.paymentIntents.search({ query: "status:'succeeded'", limit: 2 });
  expect(mapped()).toEqual(['search_payment_intents', { query: "status:'succeeded'" }]);
});

test('another account is refused once, with an error that the SDK reads', async () => {
  const error: unknown = await stripe.balance.retrieve({}, { stripeAccount: 'acct_1' }).catch((thrown) => thrown);
  expect(seen).toHaveLength(1);
  expect(error).toBeInstanceOf(Stripe.errors.StripePermissionError);
  expect(error).toMatchObject({
    statusCode: 403,
    code: 'aegis_mapping_header',
    message: expect.stringMatching(/header/),
  });
});
