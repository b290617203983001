import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAX_BODY_BYTES, type PaymentError, type PaymentRequest, parsePayment, readBody } from './payment-body.ts';

/**
 * A local stand-in of a payment API, so that the FinTech sample runs without an account: it keeps payment intents in
 * memory, moves no money, and answers in the shape of Stripe's API. Only for demonstrations and tests.
 */
export interface PaymentStandIn {
  /** To mount it in a server of one's own. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Listens on 127.0.0.1; port 0 takes a free one. */
  start(port?: number): Promise<{ port: number; close(): Promise<void> }>;
  /** Sum of all amounts so far, in minor units per lower-case currency. */
  totals(): Record<string, number>;
}

export interface PaymentStandInOptions {
  /** Milliseconds since the epoch. */
  clock: () => number;
  /** One line per answered request. */
  log: (line: string) => void;
}

interface PaymentIntent extends PaymentRequest {
  id: string;
  created: number;
}

/** Older intents are forgotten, so that a load test does not fill the memory. */
const KEPT_INTENTS = 10_000;

const INTENTS = '/v1/payment_intents';

export function createPaymentStandIn(options: PaymentStandInOptions): PaymentStandIn {
  const api = new PaymentApi(options);
  const handle = (request: IncomingMessage, response: ServerResponse) => void api.answer(request, response);
  return { handle, start: (port = 0) => listen(createServer(handle), port), totals: () => api.totals() };
}

class PaymentApi {
  readonly #options: PaymentStandInOptions;
  readonly #intents = new Map<string, PaymentIntent>();
  readonly #totals = new Map<string, number>();
  #count = 0;

  constructor(options: PaymentStandInOptions) {
    this.#options = options;
  }

  totals(): Record<string, number> {
    return Object.fromEntries(this.#totals);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let result: { status: number; body: object };
    try {
      result = await this.#route(request);
    } catch {
      // The client broke off; nobody reads an answer.
      response.destroy();
      return;
    }
    const body = `${JSON.stringify(result.body, null, 2)}\n`;
    response.writeHead(result.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'request-id': `req_standin_${this.#count}`,
      // What is left of a refused body must not be read as the next request.
      ...(request.complete ? {} : { connection: 'close' }),
    });
    response.end(body);
    this.#options.log(`${request.method} ${(request.url ?? '').split('?', 1)[0]} ${result.status}`);
  }

  async #route(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const path = (request.url ?? '/').split('?', 1)[0] as string;
    if (path === INTENTS && request.method === 'POST') return this.#create(request);
    const id = path.startsWith(`${INTENTS}/`) ? path.slice(INTENTS.length + 1) : undefined;
    if (id !== undefined && request.method === 'GET') return this.#get(id);
    const message = `Unrecognized request URL (${request.method}: ${path.slice(0, 200)}).`;
    return failure({ status: 404, code: 'url_invalid', message });
  }

  async #create(request: IncomingMessage): Promise<{ status: number; body: object }> {
    const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/x-www-form-urlencoded') {
      return failure({ status: 400, code: 'parameter_invalid', message: 'The body must be form-encoded.' });
    }
    const body = await readBody(request);
    if (body === undefined) {
      const message = `The body is longer than ${MAX_BODY_BYTES} bytes.`;
      return failure({ status: 413, code: 'request_too_large', message });
    }
    const payment = parsePayment(new URLSearchParams(body.toString('utf8')));
    if ('status' in payment) return failure(payment);
    const id = `pi_standin_${String(++this.#count).padStart(8, '0')}`;
    const intent: PaymentIntent = { ...payment, id, created: Math.floor(this.#options.clock() / 1000) };
    this.#remember(intent);
    return { status: 200, body: present(intent) };
  }

  #get(id: string): { status: number; body: object } {
    const intent = this.#intents.get(id);
    if (intent !== undefined) return { status: 200, body: present(intent) };
    const message = `No such payment_intent: '${id.slice(0, 80)}'`;
    return failure({ status: 404, code: 'resource_missing', message, param: 'intent' });
  }

  #remember(intent: PaymentIntent): void {
    this.#intents.set(intent.id, intent);
    this.#totals.set(intent.currency, (this.#totals.get(intent.currency) ?? 0) + intent.amount);
    const oldest = this.#intents.keys().next().value;
    if (this.#intents.size > KEPT_INTENTS && oldest !== undefined) this.#intents.delete(oldest);
  }
}

function present({ id, amount, currency, created, description, metadata }: PaymentIntent): object {
  return {
    id,
    object: 'payment_intent',
    amount,
    amount_received: amount,
    currency,
    created,
    description,
    livemode: false,
    metadata,
    status: 'succeeded',
  };
}

function failure({ status, code, message, param }: PaymentError): { status: number; body: object } {
  const error = { type: 'invalid_request_error', code, message, ...(param === undefined ? {} : { param }) };
  return { status, body: { error } };
}

function listen(server: Server, port: number): Promise<{ port: number; close(): Promise<void> }> {
  server.requestTimeout = 30_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve({ port: (server.address() as AddressInfo).port, close: () => close(server) });
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
