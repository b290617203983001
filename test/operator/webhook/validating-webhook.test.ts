import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { validatingWebhook } from '../../../operator/webhook/validating-webhook.ts';
import { digest, FixedAround } from './webhook-harness.ts';

const around = new FixedAround();
const answers: { kind: string; allowed: boolean; warnings: number }[] = [];
const defects: unknown[] = [];
let server: Server;
let url: string;

beforeAll(async () => {
  const app = validatingWebhook({
    resources: around,
    check: { digest },
    monotonic: () => performance.now(),
    onAnswer: ({ duration: _, ...answer }) => answers.push(answer),
    onDefect: (error) => defects.push(error),
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/validate`;
});
afterAll(() => server.close());

const REVIEW = {
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    operation: 'CREATE',
    dryRun: false,
    object: {
      apiVersion: 'aegis.dev/v1alpha1',
      kind: 'AgentPolicy',
      metadata: { name: 'p', namespace: 'shop' },
      spec: { scope: { tenantWide: true }, rules: [{ name: 'r', actions: ['*'], typo: 1 }] },
    },
    oldObject: null,
  },
};

async function post(body: unknown, headers: Record<string, string> = {}, method = 'POST') {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'GET' ? {} : { body: sent }),
  });
  return {
    status: response.status,
    headers: response.headers,
    json: (await response.json()) as Record<string, unknown>,
  };
}

test('answers with the same uid', async () => {
  const { status, json, headers } = await post(REVIEW);
  expect(status).toBe(200);
  expect(json).toMatchObject({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: REVIEW.request.uid, allowed: false, status: { code: 422 } },
  });
  expect(headers.get('x-powered-by')).toBeNull();
  expect(answers.at(-1)).toEqual({ kind: 'AgentPolicy', allowed: false, warnings: 0 });
});

test('a dry run is answered alike', async () => {
  const dry = { ...REVIEW, request: { ...REVIEW.request, dryRun: true } };
  expect((await post(dry)).json).toEqual((await post(REVIEW)).json);
});

test('a content type with parameters', async () => {
  expect((await post(REVIEW, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200);
});

test('a review of two objects as large as can be', async () => {
  const metadata = { name: 'p', namespace: 'shop', annotations: { a: 'x'.repeat(3 * 1024 * 1024) } };
  const object = { ...REVIEW.request.object, metadata };
  const review = { ...REVIEW, request: { ...REVIEW.request, operation: 'UPDATE', object, oldObject: object } };
  expect((await post(review)).status).toBe(200);
});

const CASES: [name: string, body: unknown, headers: Record<string, string>, status: number][] = [
  ['another content type', REVIEW, { 'content-type': 'text/plain' }, 415],
  ['a form', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['a body that is too large', 'x'.repeat(9 * 1024 * 1024), {}, 413],
  ['compression', REVIEW, { 'content-encoding': 'gzip' }, 415],
  ['a charset that nobody knows', REVIEW, { 'content-type': 'application/json; charset=nix' }, 415],
  ['what is no JSON', '{"apiVersion": secret-value', {}, 400],
  ['an empty body', '', {}, 400],
  ['JSON that is no object', '[1]', {}, 400],
  ['another version', { ...REVIEW, apiVersion: 'admission.k8s.io/v1beta1' }, {}, 400],
  ['another kind', { ...REVIEW, kind: 'ConversionReview' }, {}, 400],
  ['no request', { ...REVIEW, request: undefined }, {}, 400],
  ['no uid', { ...REVIEW, request: { ...REVIEW.request, uid: '' } }, {}, 400],
  ['an object that is none', { ...REVIEW, request: { ...REVIEW.request, object: [] } }, {}, 400],
  [
    'an object without metadata',
    { ...REVIEW, request: { ...REVIEW.request, object: { kind: 'AgentPolicy' } } },
    {},
    400,
  ],
];

test.each(CASES)('%s is refused in a line', async (_name, body, headers, status) => {
  const answer = await post(body, headers);
  expect(answer.status).toBe(status);
  expect(answer.json).toEqual({ code: 'AEGIS_ADMISSION_REVIEW', message: expect.stringMatching(/^[A-Z].*\.$/) });
  expect(JSON.stringify(answer.json)).not.toContain('secret');
  expect(defects).toEqual([]);
});

test('nothing else is here', async () => {
  expect((await post(undefined, {}, 'GET')).status).toBe(404);
});

test('strange objects are refused, never a defect', async () => {
  for (const spec of [null, [], 'x', 1, { rules: null, scope: [] }, { rules: [null, 1, []], scope: { agents: 'x' } }]) {
    for (const kind of ['AgentPolicy', 'AgentTool', 'AgentRegistration', 'AgentTenant']) {
      const object = { ...REVIEW.request.object, kind, spec, metadata: { name: 'p' } };
      const { status, json } = await post({ ...REVIEW, request: { ...REVIEW.request, object } });
      expect([status, (json.response as { allowed: boolean }).allowed]).toEqual([200, false]);
    }
  }
});

test('a defect of its own is a 500 without details, and is told', async () => {
  const broken = jest.spyOn(around, 'around').mockImplementation(() => {
    throw new Error('secret detail');
  });
  const { rules } = REVIEW.request.object.spec;
  const spec = { scope: { tenantWide: true }, rules: rules.map(({ typo: _, ...rule }) => rule) };
  const request = { ...REVIEW.request, object: { ...REVIEW.request.object, spec } };
  const { status, json } = await post({ ...REVIEW, request });
  expect([status, json.message]).toEqual([500, 'The webhook met a defect of its own.']);
  expect(defects).toHaveLength(1);
  broken.mockRestore();
});
