import { type ProblemMembers, shapeDenial } from '../../../gateway/enforcement/denial-shape.ts';

const problem: ProblemMembers = {
  type: 'https://aegis.dev/problems/policy-denied',
  title: 'Denied by policy',
  status: 403,
  detail: 'amount must be at most 500 & "currency" <USD>.',
  code: 'ABOVE_MAXIMUM',
  decision_id: 'id-1',
  reasons: [
    { code: 'ABOVE_MAXIMUM', message: 'amount must be at most 500.', policy: 'ns/p', rule: 'r', param: 'amount' },
  ],
};
const limited: ProblemMembers = { ...problem, status: 429, retry_after: 7 };

test('FHIR: an OperationOutcome and nothing besides, so that strict parsers read it', () => {
  const { status, contentType, body } = shapeDenial(problem, { shape: 'FHIR', members: { help: 'ignored' } });
  expect([status, contentType]).toEqual([403, 'application/fhir+json']);
  expect(JSON.parse(body)).toEqual({
    resourceType: 'OperationOutcome',
    issue: [
      {
        severity: 'error',
        code: 'forbidden',
        details: { coding: [{ system: problem.type, code: 'ABOVE_MAXIMUM' }], text: problem.detail },
        diagnostics: `${problem.detail} (decision id-1)`,
      },
    ],
  });
  expect(JSON.parse(shapeDenial(limited, { shape: 'FHIR' }).body).issue[0].code).toBe('throttled');
});

test('Kubernetes: a Status, whose status and code have their own types; the problem stands beside', () => {
  const { status, contentType, body } = shapeDenial(limited, { shape: 'Kubernetes', members: { status: 'Success' } });
  expect([status, contentType]).toEqual([429, 'application/json']);
  expect(JSON.parse(body)).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: problem.detail,
    reason: 'TooManyRequests',
    code: 429,
    details: {
      causes: [{ reason: 'ABOVE_MAXIMUM', message: 'amount must be at most 500.', field: 'amount' }],
      retryAfterSeconds: 7,
    },
    problem: limited,
  });
});

test('S3: an XML error with everything escaped', () => {
  const { status, contentType, body } = shapeDenial({ ...problem, code: 'A\u0000]]>' }, { shape: 'S3' });
  expect([status, contentType]).toEqual([403, 'application/xml']);
  expect(body).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>' +
      '<Message>amount must be at most 500 &amp; "currency" &lt;USD&gt;.</Message>' +
      '<RequestId>id-1</RequestId><AegisCode>A?]]&gt;</AegisCode></Error>',
  );
  expect(shapeDenial(limited, { shape: 'S3' }).body).toContain('<Code>SlowDown</Code>');
});

test('Slack answers errors with 200, because its SDK would repeat the call; limits and outages keep their status', () => {
  const { status, body } = shapeDenial(problem, { shape: 'Slack' });
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({ ok: false, error: 'above_maximum', status: 403, code: 'ABOVE_MAXIMUM' });
  expect(shapeDenial(limited, { shape: 'Slack' }).status).toBe(429);
  expect(shapeDenial({ ...problem, status: 503 }, { shape: 'Slack' }).status).toBe(503);
  expect(shapeDenial({ ...problem, status: 413 }, { shape: 'Slack' }).status).toBe(200);
});

test.each([
  ['Problem', 'application/problem+json'],
  ['Stripe', 'application/problem+json'],
  ['OpenAI', 'application/problem+json'],
  ['GitHub', 'application/json'],
  ['Google', 'application/json'],
  ['Slack', 'application/json'],
] as const)('%s is sent as %s and keeps the members of the problem', (shape, type) => {
  const { contentType, body } = shapeDenial(problem, { shape, members: { type: 'forged', detail: 'forged' } });
  expect(contentType).toBe(type);
  expect(JSON.parse(body)).toMatchObject(problem);
});

test('no shape: a plain problem', () => {
  expect(shapeDenial(problem)).toEqual({
    status: 403,
    contentType: 'application/problem+json',
    headers: [],
    body: JSON.stringify(problem),
  });
});
