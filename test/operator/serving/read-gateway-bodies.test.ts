import fc from 'fast-check';
import type { GatewayAcknowledgement, GatewayReport } from '../../../operator/model/gateway-report.ts';
import { parseBody, readAcknowledgement, readReport } from '../../../operator/serving/read-gateway-bodies.ts';
import { AegisError } from '../../../policy/errors.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const read = <T>(as: (value: unknown) => T, value: unknown): T => as(parseBody(bytes(JSON.stringify(value))));

const ACKNOWLEDGEMENT: GatewayAcknowledgement = {
  version: 1,
  instance: '8a0fa7cf-4bd1-4d57-a4a4-4e4c5d0a1f8a',
  tenant: { name: 'fintech', uid: 'local:fintech' },
  agent: 'finance-agent',
  state: 'active',
  sequence: 7,
  contentRoot: 'ab'.repeat(32),
  etag: 'cd'.repeat(16),
  digest: 'ef'.repeat(32),
  activatedAt: '2026-11-22T08:00:00.000Z',
  stored: true,
  error: 'AEGIS_BUNDLE_FETCH',
  head: 'eyJ9',
};

const REPORT: GatewayReport = {
  version: 1,
  instance: 'i',
  boot: 'boot-0001',
  since: '2026-11-22T08:00:00Z',
  candidates: [
    { policy: 'n/p', revision: 'sha256:ab', calls: 4, wouldDeny: 1, wouldAllow: 1, otherwise: 1, errors: 1 },
    { policy: 'n/p', revision: null, calls: 0, wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 0 },
  ],
  violations: [
    {
      policy: 'n/p',
      rule: 'r',
      tool: 't',
      action: 'tools/call:x',
      code: 'CONDITION_FAILED',
      verdict: 'deny',
      calls: 3,
    },
    { policy: '', rule: '', tool: 't', action: 'a', code: 'NO_PERMIT', verdict: 'deny', calls: 1 },
  ],
  overflow: 2,
  egress: [
    { destination: 'api.example.com', port: 443, protocol: 'tcp', connections: 3, refused: true },
    { destination: '2001:db8::1', port: 9999, protocol: 'udp', connections: 1, refused: false },
  ],
};

test('what gateways send is read as it is', () => {
  expect(read(readAcknowledgement, ACKNOWLEDGEMENT)).toEqual(ACKNOWLEDGEMENT);
  const first = { version: 1, instance: 'i', tenant: { name: 'n' }, state: 'none' };
  expect(read(readAcknowledgement, first)).toEqual(first);
  expect(read(readReport, REPORT)).toEqual(REPORT);
  const { egress, ...without } = REPORT;
  expect(read(readReport, without)).toEqual(without);
});

const edits: [string, object][] = [
  ['another version', { version: 2 }],
  ['an unknown field', { more: 1 }],
  ['no tenant', { tenant: undefined }],
  ['a tenant with more', { tenant: { name: 'n', other: 1 } }],
  ['a tenant that is no name', { tenant: { name: '../n' } }],
  ['an agent that is no name', { agent: 'A b' }],
  ['an unknown state', { state: 'fine' }],
  ['a sequence of 0', { sequence: 0 }],
  ['a sequence that is no whole number', { sequence: 1.5 }],
  ['a sequence beyond what is exact', { sequence: 2 ** 60 }],
  ['nothing in force although active', { sequence: undefined }],
  ['a digest that is none', { digest: 'x' }],
  ['a time that is none', { activatedAt: '2026-13-45T99:00:00Z' }],
  ['a head that is no base64', { head: '<script>' }],
  ['a head that is too long', { head: 'A'.repeat(60_000) }],
  ['an error that is no code', { error: 'something happened' }],
  ['an empty instance', { instance: '' }],
  ['null', { stored: null }],
];

test.each(edits)('an acknowledgement with %s is refused', (_, edit) => {
  expect(() => read(readAcknowledgement, { ...ACKNOWLEDGEMENT, ...edit })).toThrow(AegisError);
});

const [candidate] = REPORT.candidates;
const [violation] = REPORT.violations;
const [destination] = REPORT.egress ?? [];
const reportEdits: [string, object][] = [
  ['more differences than calls', { candidates: [{ ...candidate, calls: 3 }] }],
  ['a negative count', { candidates: [{ ...candidate, errors: -1 }] }],
  ['two counts of the same', { candidates: [candidate, candidate] }],
  ['two violations of the same', { violations: [violation, violation] }],
  ['a policy without a namespace', { candidates: [{ ...candidate, policy: 'p' }] }],
  ['too many counts', { violations: Array.from({ length: 257 }, (_, i) => ({ ...violation, rule: `r${i}` })) }],
  ['line breaks in a name', { violations: [{ ...violation, action: 'a\nb' }] }],
  ['no overflow', { overflow: undefined }],
  ['a short boot', { boot: 'b' }],
  ['a list that is none', { candidates: {} }],
  ['a destination that is none', { egress: [{ ...destination, destination: 'a b' }] }],
  ['a long destination', { egress: [{ ...destination, destination: 'a'.repeat(254) }] }],
  ['another protocol', { egress: [{ ...destination, protocol: 'sctp' }] }],
  ['a port too far', { egress: [{ ...destination, port: 65_536 }] }],
  ['no word on refusal', { egress: [{ ...destination, refused: undefined }] }],
  ['two destinations of the same', { egress: [destination, destination] }],
  ['too many destinations', { egress: Array.from({ length: 257 }, (_, i) => ({ ...destination, port: i + 1 })) }],
];

test.each(reportEdits)('a report with %s is refused', (_, edit) => {
  expect(() => read(readReport, { ...REPORT, ...edit })).toThrow(AegisError);
});

test.each([
  '',
  '{',
  '[]',
  'null',
  '{"version":1,"version":1}',
  '{"a":"\\ud800"}',
  '['.repeat(100_000),
  '{} {}',
])('what is no strict JSON is refused: %.20s', (text) => {
  const all = () => readReport(parseBody(bytes(text)));
  expect(all).toThrow(expect.objectContaining({ code: 'AEGIS_SERVING_BODY' }));
});

test('whatever comes is read or refused, and nothing that is read is out of bounds', () => {
  const soon = fc.anything({ maxDepth: 2, withNullPrototype: false });
  const around = <T extends object>(right: T) =>
    fc
      .tuple(fc.subarray(Object.keys(right)), fc.dictionary(fc.constantFrom(...Object.keys(right), 'x'), soon))
      .map(([kept, wrong]) => ({
        ...Object.fromEntries(Object.entries(right).filter(([name]) => kept.includes(name))),
        ...wrong,
      }));
  const refusedOr = <T>(as: (value: unknown) => T, value: unknown): T | undefined => {
    try {
      return as(value);
    } catch (error) {
      expect(error).toMatchObject({ code: 'AEGIS_SERVING_BODY' });
      return undefined;
    }
  };
  fc.assert(
    fc.property(around(ACKNOWLEDGEMENT), around(REPORT), (acknowledgement, report) => {
      const one = refusedOr(readAcknowledgement, acknowledgement);
      if (one !== undefined) expect(one.sequence ?? 1).toBeGreaterThanOrEqual(1);
      const other = refusedOr(readReport, report);
      if (other !== undefined) expect(Object.keys({ egress: [], ...other }).sort()).toEqual(Object.keys(REPORT).sort());
    }),
  );
});
