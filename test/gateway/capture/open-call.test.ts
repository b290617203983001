import {
  type OpenedCall,
  openCall,
  type ProxyVerdict,
  type RefusedVerdict,
} from '../../../gateway/capture/proxy-call.ts';
import type { LimitStore, Operation } from '../../../gateway/limits/limit-store.ts';
import type { RequestHead } from '../../../gateway/mapping/map-request.ts';
import type { DecisionInput, PolicyResult } from '../../../policy/decision/types.ts';
import { compileToolContract, type ToolContract } from '../../../policy/mapping/contract.ts';
import type { ToolAction } from '../../../policy/resources/types.generated.ts';
import { fakeActivation, fakeDeps, result, STRIPE } from '../listeners/fake-activation.ts';

const UPLOADS: ToolAction[] = [
  { name: 'put', effect: 'write', undeclared: 'Allow', match: { method: 'PUT', path: '/files/{id}' } },
  { name: 'post', effect: 'write', undeclared: 'Allow', match: { method: 'POST', path: '/files' } },
  { name: 'shut', effect: 'write', match: { method: 'PUT', path: '/shut' } },
  { name: 'ask', effect: 'read', match: { method: 'POST', path: '/ask' } },
];
const CONTRACT = compileToolContract('stripe-payments', {
  ...STRIPE,
  idempotency: { header: 'Idempotency-Key', window: '24h' },
  actions: [...(STRIPE.actions ?? []), ...UPLOADS],
});
const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];
const BODY = Buffer.from('amount=4999&currency=usd');
const CALLER = { agent: 'finance-agent' };

interface Setup {
  contract?: ToolContract;
  evaluate?: (input: DecisionInput) => PolicyResult;
  limits?: LimitStore;
  maxBody?: number;
  responseSanitize?: boolean;
  freeze?: 'DenyWrites' | 'DenyAll';
}

function open(head: Partial<RequestHead>, setup: Setup = {}): OpenedCall {
  const {
    contract = CONTRACT,
    evaluate = () => result('allow'),
    limits,
    maxBody = 1000,
    responseSanitize,
    freeze,
  } = setup;
  const full: RequestHead = { method: 'POST', target: '/v1/payment_intents', rawHeaders: FORM, hasBody: true, ...head };
  const activation = fakeActivation(evaluate, { contract, ...(freeze !== undefined && { freeze }) });
  const deps = fakeDeps(undefined, limits);
  const options = responseSanitize === undefined ? undefined : { responseSanitize };
  return openCall(activation, CALLER, 'stripe-payments', full, deps, { maxBody }, options);
}

function refused(opened: OpenedCall): RefusedVerdict {
  if (opened.kind === 'open') throw new Error(`open: ${opened.action.name}`);
  return opened.verdict;
}

function accepted(opened: OpenedCall) {
  if (opened.kind === 'refused') throw new Error(opened.verdict.problem.body);
  return opened;
}

const code = (verdict: ProxyVerdict): string =>
  verdict.forward ? 'forwarded' : (verdict.decision.reasons[0]?.code.replace('AEGIS_MAPPING_', '') ?? 'no reason');

const recorder = (seen: DecisionInput[]) => (input: DecisionInput) => {
  seen.push(input);
  return result('allow');
};

test('a form call is read, mapped and decided; what is forwarded is what came', async () => {
  const seen: DecisionInput[] = [];
  const opened = accepted(open({}, { evaluate: recorder(seen) }));
  expect(opened).toMatchObject({ bodyMode: 'read', action: { name: 'create_payment' } });
  expect(seen).toEqual([]);
  const verdict = await opened.decide(BODY);
  if (!verdict.forward) throw new Error(verdict.problem.body);
  expect(verdict.request.body).toBe(BODY);
  expect(seen[0]).toMatchObject({
    action: 'create_payment',
    params: { amount: 49.99, currency: 'USD' },
    context: { destination: { host: 'api.stripe.test' } },
    request: { protocol: 'http', method: 'POST', path: '/v1/payment_intents' },
  });
});

test('the target that is forwarded is canonical, and the host is the one that the client named', async () => {
  const seen: DecisionInput[] = [];
  const head = {
    method: 'GET',
    target: '/v1/%70ayment_intents/%61',
    rawHeaders: [],
    hasBody: false,
    host: 'eu.stripe.test',
  };
  const verdict = await accepted(open(head, { evaluate: recorder(seen) })).decide(undefined);
  expect(verdict).toMatchObject({ forward: true, request: { target: '/v1/payment_intents/a', body: undefined } });
  expect(seen[0]?.context?.destination).toEqual({ host: 'eu.stripe.test' });
});

test.each<[string, Partial<RequestHead>, string]>([
  ['an unknown path', { target: '/v1/refunds' }, 'UNMAPPED'],
  ['a dot segment', { target: '/v1/../v1/payment_intents' }, 'PATH'],
  ['an undeclared query field', { target: '/v1/payment_intents?confirm=true' }, 'UNDECLARED'],
  ['a method override', { rawHeaders: [...FORM, 'X-HTTP-Method-Override', 'DELETE'] }, 'HEADER'],
  ['another content type', { rawHeaders: ['Content-Type', 'application/json'] }, 'CONTENT_TYPE'],
  ['an encoded body', { rawHeaders: [...FORM, 'Content-Encoding', 'gzip'] }, 'CONTENT_TYPE'],
  ['a missing query parameter', { method: 'GET', target: '/v1/payment_intents/search', hasBody: false }, 'MISSING'],
  ['a body where none is declared', { method: 'PUT', target: '/shut' }, 'CONTENT_TYPE'],
])('%s is refused before the body', (_, head, expected) => {
  expect(code(refused(open(head)))).toBe(expected);
});

const typed = (type: string): string[] => (type === '' ? [] : ['Content-Type', type]);

test.each([
  ['PUT', '/files/a', 'image/png', 'stream'],
  ['PUT', '/files/a', 'application/json', 'stream'],
  ['PUT', '/files/a', '', 'stream'],
  ['POST', '/files', 'application/octet-stream', 'stream'],
  ['POST', '/files', 'multipart/related; boundary="a;b"; type="application/json"', 'stream'],
  ['POST', '/files', 'multipart/form-data; boundary=x', 'stream'],
  ['POST', '/files', 'text/plain; charset=iso-8859-1', 'stream'],
  ['POST', '/files', 'application/x-www-form-urlencoded', 'read'],
  ['PUT', '/files/a', 'application/x-www-form-urlencoded', 'read'],
  ['POST', '/ask', 'application/xml', 'stream'],
  ['POST', '/ask', 'application/json', 'read'],
  ['POST', '/ask', 'multipart/form-data; boundary=x', 'read'],
])('%s %s with a body of type "%s" is taken as %s', (method, target, type, mode) => {
  expect(accepted(open({ method, target, rawHeaders: typed(type) })).bodyMode).toBe(mode);
  expect(accepted(open({ method, target, rawHeaders: typed(type), hasBody: false })).bodyMode).toBe('none');
});

test.each([
  '',
  'text/plain, application/x-www-form-urlencoded',
  'text',
  'a/b; c',
  'a/b; c=d; C=e',
  'a/b; c="d"e',
])('a POST of type "%s" is not streamed', (type) =>
  expect(code(refused(open({ target: '/files', rawHeaders: typed(type) })))).toBe('CONTENT_TYPE'));

test('a form on an open action may not hold a method override', async () => {
  const verdict = await accepted(open({ target: '/files' })).decide(Buffer.from('_method=DELETE'));
  expect(code(verdict)).toBe('HEADER');
});

test('a streamed body is not looked at, and not held against its size', async () => {
  const opened = accepted(open({ method: 'PUT', target: '/files/a', rawHeaders: [] }));
  expect(await opened.decide(undefined)).toMatchObject({ forward: true, request: { body: undefined } });
});

test('what the head announced must be what came', async () => {
  expect(code(await accepted(open({})).decide(undefined))).toBe('BODY');
  const bodiless = accepted(open({ method: 'GET', target: '/v1/payment_intents/a', rawHeaders: [], hasBody: false }));
  expect(code(await bodiless.decide(BODY))).toBe('BODY');
});

test('a body above the bound is refused with the action that it was meant for', async () => {
  const opened = accepted(open({}, { maxBody: 10 }));
  expect(opened.tooLarge()).toMatchObject({
    decision: { action: 'create_payment', taken: 'deny' },
    problem: { status: 413 },
  });
  expect(code(await opened.decide(BODY))).toBe('TOO_LARGE');
});

test('a change of the response needs a listener that can make it', async () => {
  const evaluate = () => result('sanitize', { redact: [{ pointer: '/card', op: 'redact' }] });
  expect(await accepted(open({}, { evaluate })).decide(BODY)).toMatchObject({ forward: true });
  const verdict = await accepted(open({}, { evaluate, responseSanitize: false })).decide(BODY);
  expect(code(verdict)).toBe('OBLIGATION_UNSUPPORTED');
});

describe('operations', () => {
  async function operation(
    head: Partial<RequestHead>,
    body: Buffer | undefined = BODY,
  ): Promise<Operation | undefined> {
    const seen: (Operation | undefined)[] = [];
    const limits: LimitStore = {
      reserve: (_, named) => {
        seen.push(named);
        return { ok: true, reservation: { settle() {}, release() {}, refund() {}, limits: [] } };
      },
    };
    const rate = { id: 'r', per: 'Agent' as const, window: '1m', max: 5 };
    const opened = accepted(open(head, { limits, evaluate: () => result('allow', { limits: [rate] }) }));
    await opened.decide(opened.bodyMode === 'read' ? body : undefined);
    expect(seen).toHaveLength(1);
    return seen[0];
  }
  const KEY = ['Idempotency-Key', 'k-1'];
  const keyed = (...more: string[]) => ({ rawHeaders: [...FORM, ...KEY, ...more] });

  test('the identical call is the same operation, for as long as the tool remembers it', async () => {
    const first = await operation(keyed('Authorization', 'Bearer a'));
    expect(first).toEqual({ id: expect.stringMatching(/^[0-9a-f]{64}$/), window: 86_400_000 });
    const attempt = ['User-Agent', 'x/2', 'Date', 'now', 'traceparent', '00-1', 'X-Stripe-Client-Telemetry', '{}'];
    expect(await operation(keyed('authorization', 'Bearer a', ...attempt, 'Accept', '*/*'))).toEqual(first);
    expect(await operation({ rawHeaders: ['authorization', ' Bearer a ', ...KEY, ...FORM] })).toEqual(first);
  });

  test('another key, body, path, account or credential is another operation', async () => {
    const ids = await Promise.all([
      operation(keyed()),
      operation({ rawHeaders: [...FORM, 'Idempotency-Key', 'k-2'] }),
      operation(keyed(), Buffer.from('amount=5000&currency=usd')),
      operation(keyed('Authorization', 'Bearer b')),
      operation(keyed('Stripe-Account', 'acct_1')),
      operation(keyed('Stripe-Account', 'acct_2')),
      operation(keyed('Stripe-Version', '2024')),
      operation(keyed('Stripe-Version', '2024', 'Stripe-Version', '2025')),
      operation(keyed('Stripe-Version', '2025', 'Stripe-Version', '2024')),
    ]);
    expect(new Set(ids.map((named) => named?.id)).size).toBe(ids.length);
  });

  test.each<[string, string[]]>([
    ['none', FORM],
    ['two', [...FORM, ...KEY, ...KEY]],
    ['an empty one', [...FORM, 'Idempotency-Key', '']],
    ['one with a space', [...FORM, 'Idempotency-Key', 'a b']],
    ['one that is too long', [...FORM, 'Idempotency-Key', 'a'.repeat(256)]],
    ['one that is not ASCII', [...FORM, 'Idempotency-Key', 'é']],
  ])('with %s as the key, every attempt is its own', async (_, rawHeaders) => {
    expect(await operation({ rawHeaders })).toBeUndefined();
  });

  test('a body that is not read could be another one each time', async () => {
    expect(await operation({ method: 'PUT', target: '/files/a', rawHeaders: KEY })).toBeUndefined();
  });
});

describe('requests that no action matches, where they are only observed', () => {
  const contract: ToolContract = { ...CONTRACT, unmatched: { limits: [] } };
  const unknown = () => ({
    ...result('deny'),
    enforced: { ...result('deny').enforced, reasons: [{ code: 'UNKNOWN_ACTION', message: '' }] },
  });
  const head = { method: 'DELETE', target: '/v1/customers/%61?x=1', rawHeaders: ['Content-Type', 'text/csv'] };

  test('pass unread, and say so', async () => {
    const opened = accepted(open(head, { contract, evaluate: unknown }));
    expect(opened).toMatchObject({ bodyMode: 'stream', action: { name: '?', effect: 'irreversible', match: null } });
    expect(await opened.decide(undefined)).toMatchObject({
      forward: true,
      request: { target: '/v1/customers/a?x=1' },
      decision: { action: '?', verdict: 'allow', taken: 'allow', reasons: [{ code: 'UNMATCHED_OBSERVE' }] },
    });
  });

  test('even a form', () => {
    expect(accepted(open({ ...head, rawHeaders: FORM }, { contract, evaluate: unknown })).bodyMode).toBe('stream');
  });

  test.each<[string, Partial<RequestHead>]>([
    ['an ambiguous path', { target: '/v1/customers/../x' }],
    ['a path that differs in case only', { target: '/v1/payment_intents/SEARCH', method: 'GET', hasBody: false }],
    ['a method override', { rawHeaders: ['X-Method-Override', 'GET'] }],
    ['an override in the query', { target: '/v1/customers?_method=GET' }],
    ['an ambiguous query', { target: '/v1/customers?%ff=1' }],
    ['an ambiguous content type', { rawHeaders: ['Content-Type', 'a/b, c/d'] }],
    [
      'a known action with an undeclared field',
      { method: 'POST', target: '/v1/payment_intents?a=b', rawHeaders: FORM },
    ],
  ])('but not %s', (_, more) => {
    refused(open({ ...head, ...more }, { contract, evaluate: unknown }));
  });

  test.each(['DenyWrites', 'DenyAll'] as const)('and a freeze (%s) still binds', async (freeze) => {
    const verdict = await accepted(open(head, { contract, evaluate: unknown, freeze })).decide(undefined);
    expect(code(verdict)).toBe('FROZEN');
  });

  test.each([
    'AGENT_SUSPENDED',
    'CHAIN_REFUSED',
    'UNKNOWN_TENANT',
    'INVALID_DATA',
    'EVALUATION_FAILED',
  ])('and so does any other reason to refuse (%s)', async (reason) => {
    const evaluate = () => ({
      candidates: [],
      enforced: { ...unknown().enforced, reasons: [{ code: reason, message: '' }] },
    });
    const verdict = await accepted(open(head, { contract, evaluate })).decide(undefined);
    expect(verdict).toMatchObject({ forward: false, decision: { taken: 'deny' } });
  });

  test('their limits are charged, and one that cannot be priced refuses', async () => {
    const limited = (limits: NonNullable<ToolContract['unmatched']>['limits']) =>
      accepted(open(head, { contract: { ...CONTRACT, unmatched: { limits } }, evaluate: unknown })).decide(undefined);
    const rate = { id: 'agent/x/r', per: 'Agent' as const, window: '1m', max: 0 };
    expect(await limited([rate])).toMatchObject({ forward: false, problem: { status: 429 } });
    const verdict = await limited([{ ...rate, max: 5, parameter: 'amount' }]);
    expect(code(verdict)).toBe('LIMIT_UNPRICED');
  });
});
