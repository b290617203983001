/**
 * The unmodified Stripe SDK for Node, pointed at the gateway in one of the ways it supports. Prints one JSON line:
 * what each of three calls came to.
 */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import Stripe from 'stripe';

const { WAY, GATEWAY_PORT = '', GATEWAY_CA = '' } = process.env;
const port = Number(GATEWAY_PORT);
const ca = GATEWAY_CA === '' ? undefined : readFileSync(GATEWAY_CA);

/** What is done to the name of the API where traffic is redirected: it leads to the gateway. */
const lookup = (_name, options, done) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);

const WAYS = {
  port: { host: '127.0.0.1', port, protocol: 'http' },
  proxy: { httpAgent: new https.Agent({ ca, proxyEnv: { HTTPS_PROXY: `http://127.0.0.1:${port}` } }) },
  tls: { port, httpAgent: new https.Agent({ ca, lookup }) },
};

const stripe = new Stripe('sk_test_none', { ...WAYS[WAY], maxNetworkRetries: 1, telemetry: false });

async function outcome(params) {
  try {
    const intent = await stripe.paymentIntents.create(params);
    return { id: intent.id, amount: intent.amount };
  } catch (error) {
    const { type, code, statusCode, message } = error;
    return {
      error: error instanceof Stripe.errors.StripeError ? error.constructor.name : 'other',
      type,
      code,
      status: statusCode,
      message,
    };
  }
}

const results = {
  tooMuch: await outcome({ amount: 5_000_000, currency: 'usd' }),
  fine: await outcome({ amount: 499_900, currency: 'usd' }),
  undeclared: await outcome({ amount: 100, currency: 'usd', transfer_data: { destination: 'acct_1' } }),
};
console.log(JSON.stringify(results));
process.exit(0);
