import { execFileSync } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  type CertificateContents,
  inspect,
  readSecretData,
  secretData,
} from '../../../operator/certificates/certificate-contents.ts';
import { bundleHolds, certificatesOf } from '../../../operator/certificates/pem-bundle.ts';
import {
  planRotation,
  type RotationFacts,
  type RotationOptions,
  type RotationReason,
} from '../../../operator/certificates/rotation-plan.ts';
import { type Act, RotationWorld } from './rotation-world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
const OPTIONS: RotationOptions = {
  names: ['a.b.svc', '127.0.0.1'],
  make: { randomBytes: (size) => randomBytes(size) },
};

/** Every step that is due at a time, one after the other. */
function settle(
  contents: CertificateContents | undefined,
  facts: RotationFacts,
  options = OPTIONS,
): { contents: CertificateContents; reasons: RotationReason[]; lookAgainAt: number } {
  const reasons: RotationReason[] = [];
  for (let now = contents; reasons.length < 10; ) {
    const { next, lookAgainAt } = planRotation(now, facts, options);
    if (next === undefined) return { contents: now as CertificateContents, reasons, lookAgainAt };
    expect(lookAgainAt).toBe(facts.now);
    reasons.push(next.reason);
    now = next.contents;
  }
  throw new Error(`never at rest: ${reasons.join(' ')}`);
}

const at = (now: number, published = true): RotationFacts => ({ now, published });
const first = () => settle(undefined, at(START));

test('first start: a CA of ten years and a leaf of one, for the names', () => {
  const { contents, reasons, lookAgainAt } = first();
  expect(reasons).toEqual(['created']);
  const { signer, leaf, others } = inspect(contents, START);
  expect(signer?.x509.validToDate.getTime()).toBe(START + 3653 * DAY);
  expect(leaf?.validToDate.getTime()).toBe(START + 365 * DAY);
  expect(leaf?.subjectAltName).toBe('DNS:a.b.svc, IP Address:127.0.0.1');
  expect(leaf?.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(others).toEqual([]);
  expect(lookAgainAt).toBeGreaterThan(START + 240 * DAY);
  expect(lookAgainAt).toBeLessThan(START + 244 * DAY);
});

test('OpenSSL, strictly, takes leaf and CA for what they are', () => {
  const { contents } = first();
  const folder = mkdtempSync(join(tmpdir(), 'aegis-serving-'));
  writeFileSync(join(folder, 'ca.pem'), contents.caBundle);
  writeFileSync(join(folder, 'leaf.pem'), contents.cert);
  const asked = ['-attime', String(START / 1000 + 60), '-purpose', 'sslserver', '-verify_hostname', 'a.b.svc'];
  const args = ['verify', '-x509_strict', ...asked, '-CAfile', join(folder, 'ca.pem'), join(folder, 'leaf.pem')];
  expect(execFileSync('openssl', args, { encoding: 'utf8' })).toMatch(/: OK\n$/);
  rmSync(folder, { recursive: true });
});

test('the Secret brings back what was written', () => {
  const { contents } = settle(first().contents, { ...at(START), request: 'please' });
  expect(contents.next).toBeDefined();
  expect(readSecretData(secretData(contents))).toEqual(contents);
  expect(Object.keys(secretData(contents)).sort()).toEqual([
    'ca.crt',
    'ca.key',
    'next-ca.key',
    'rotation.json',
    'tls.crt',
    'tls.key',
  ]);
});

test('the leaf is renewed when a third of its life is left, by the same CA', () => {
  const { contents, lookAgainAt } = first();
  expect(settle(contents, at(lookAgainAt - 1)).reasons).toEqual([]);
  const renewed = settle(contents, at(lookAgainAt));
  expect(renewed.reasons).toEqual(['leafRenewed']);
  expect(renewed.contents.caBundle).toBe(contents.caBundle);
  expect(inspect(renewed.contents, lookAgainAt).leaf?.validToDate.getTime()).toBe(lookAgainAt + 365 * DAY);
});

test('other names: a new leaf at once', () => {
  const { contents } = first();
  const { contents: next, reasons } = settle(contents, at(START), { ...OPTIONS, names: ['c.d.svc'] });
  expect(reasons).toEqual(['leafLost']);
  expect(new X509Certificate(next.cert).subjectAltName).toBe('DNS:c.d.svc');
});

test('a CA is replaced with overlap, step by step', () => {
  const begun = settle(first().contents, { ...at(START, false), request: 'one' });
  expect(begun.reasons).toEqual(['nextCaAdded']);
  expect(certificatesOf(begun.contents.caBundle)).toHaveLength(2);
  expect(begun.lookAgainAt).toBe(START + 2_000);

  // Not before everybody has it, and then not for a day.
  expect(settle(begun.contents, at(START + 30 * DAY, false)).reasons).toEqual([]);
  const published = settle(begun.contents, at(START + HOUR));
  expect(published.reasons).toEqual(['nextCaPublished']);
  expect(published.lookAgainAt).toBe(START + HOUR + DAY);
  expect(settle(published.contents, at(START + DAY)).reasons).toEqual([]);
  expect(settle(published.contents, at(START + 2 * DAY, false)).reasons).toEqual([]);

  const switched = settle(published.contents, at(START + 2 * DAY));
  expect(switched.reasons).toEqual(['caSwitched']);
  expect(certificatesOf(switched.contents.caBundle)).toHaveLength(2);
  expect(switched.contents.caKey).toBe(begun.contents.next?.key);
  expect(switched.contents.next).toBeUndefined();
  expect(switched.lookAgainAt).toBe(START + 3 * DAY);

  const done = settle(switched.contents, at(START + 3 * DAY));
  expect(done.reasons).toEqual(['oldCaDropped']);
  expect(certificatesOf(done.contents.caBundle)).toHaveLength(1);
  expect(done.contents.cert).toBe(switched.contents.cert);
  // The same request asks for nothing more.
  expect(settle(done.contents, { ...at(START + 4 * DAY), request: 'one' }).reasons).toEqual([]);
  expect(settle(done.contents, { ...at(START + 4 * DAY, false), request: 'two' }).reasons).toEqual(['nextCaAdded']);
});

describe('broken contents are repaired with what is left of them', () => {
  const good = first().contents;
  const rotating = settle(good, { ...at(START, false), request: 'x' }).contents;
  const CASES: [name: string, broken: CertificateContents, reasons: string[]][] = [
    ['no leaf', { ...good, cert: '' }, ['leafLost']],
    ['another key', { ...good, key: first().contents.key }, ['leafLost']],
    ['a leaf of another CA', { ...good, cert: first().contents.cert, key: first().contents.key }, ['leafLost']],
    ['no CA', { ...good, caBundle: '' }, ['caLost']],
    ['no key of the CA', { ...good, caKey: 'x' }, ['caLost']],
    ['garbage', { ...good, caBundle: 'x', caKey: 'x', cert: 'x', key: 'x', names: [] }, ['caLost']],
    ['the CA gone, its successor there', { ...rotating, caKey: '' }, ['caLost']],
    ['the successor gone', { ...rotating, next: { key: 'x' } }, ['nextCaLost']],
  ];
  test.each(CASES)('%s', (_name, broken, reasons) => {
    const repaired = settle(broken, at(START));
    expect(repaired.reasons).toEqual(reasons);
    const { signer, leaf } = inspect(repaired.contents, START);
    expect(signer).toBeDefined();
    expect(leaf?.checkIssued(signer?.x509 as X509Certificate)).toBe(true);
  });

  test('a CA that is left in the bundle stays trusted', () => {
    const { contents } = settle({ ...good, caKey: '' }, at(START));
    expect(bundleHolds(contents.caBundle, good.caBundle)).toBe(true);
  });

  test('everything ended long ago', () => {
    const { contents, reasons } = settle(good, at(START + 20_000 * DAY));
    expect(reasons).toEqual(['caLost']);
    expect(certificatesOf(contents.caBundle)).toHaveLength(1);
  });

  test('a clock that is late takes nothing for broken', () => {
    expect(settle(good, at(START - 30 * DAY)).reasons).toEqual([]);
  });
});

const EVERY_STEP = ['caSwitched', 'leafRenewed', 'nextCaAdded', 'nextCaPublished', 'oldCaDropped'];

test('never is a leaf served whose CA is not handed out, however steps, lags, crashes and writers fall', () => {
  const reached = new Set<string>();
  const event = fc.record({
    after: fc.oneof(fc.integer({ min: 0, max: HOUR }), fc.integer({ min: 0, max: 12 * HOUR })),
    act: fc.constantFrom<Act>('step', 'step', 'step', 'read', 'write', 'see', 'see', 'publish', 'publish', 'request'),
    who: fc.integer({ min: 0, max: 2 }),
    lag: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
  });
  // It says nothing unless CAs were replaced on the way: until then there are more lives.
  for (let batch = 0; batch < 10 && !EVERY_STEP.every((reason) => reached.has(reason)); batch++) {
    fc.assert(
      fc.property(fc.array(event, { minLength: 50, maxLength: 200 }), (events) => {
        const world = new RotationWorld(START, { names: ['a.b.svc'], make: OPTIONS.make });
        for (const each of events) {
          world.do(each);
          expect(world.uncovered()).toEqual([]);
        }
        for (const reason of world.reasons) reached.add(reason);
      }),
      { numRuns: 60 },
    );
  }
  expect([...reached]).toEqual(expect.arrayContaining(EVERY_STEP));
});
