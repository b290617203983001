import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caFolder } from '../../../gateway/capture/ca/ca-folder.ts';
import { type CaDeps, openCertificateAuthority } from '../../../gateway/capture/ca/certificate-authority.ts';
import { createLeafContexts } from '../../../gateway/capture/ca/leaf-contexts.ts';
import { openLeafContexts } from '../../../gateway/capture/ca/open-leaf-contexts.ts';

const DAY = 86_400_000;
let folder: string;
let now: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-ca-'));
  now = Date.now();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const deps = (): CaDeps => ({ files: caFolder(folder), now: () => now, randomBytes: (size) => randomBytes(size) });
const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Asks OpenSSL, strictly, whether the leaf is good for the host. */
function verify(leaf: string, ...asked: string[]): string {
  writeFileSync(join(folder, 'leaf.pem'), leaf);
  try {
    return execFileSync(
      'openssl',
      [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-CAfile',
        join(folder, 'ca.crt'),
        ...asked,
        join(folder, 'leaf.pem'),
      ],
      { encoding: 'utf8', stdio: 'pipe' },
    );
  } catch (error) {
    return String((error as { stderr: string }).stderr);
  }
}

test('a CA is made once, its key for its owner only, and read again', () => {
  const first = openCertificateAuthority(deps());
  expect(readdirSync(folder).sort()).toEqual(['ca.crt', 'ca.key']);
  expect(statSync(join(folder, 'ca.key')).mode & 0o777).toBe(0o600);
  const again = openCertificateAuthority(deps());
  expect(again.certificate).toBe(first.certificate);
  const x509 = new X509Certificate(first.certificate);
  expect(x509.ca).toBe(true);
  expect(x509.verify(x509.publicKey)).toBe(true);
  expect(x509.subject).toMatch(/Aegis gateway CA [0-9a-f]{8}/);
});

test('leaves are good for their host, and for no other', () => {
  const ca = openCertificateAuthority(deps());
  const leaf = ca.issueLeaf('api.example.com', publicKey, now + 7 * DAY);
  expect(verify(leaf, '-verify_hostname', 'api.example.com')).toContain('OK');
  expect(verify(leaf, '-verify_hostname', 'other.example.com')).toMatch(/hostname mismatch/i);
  const x509 = new X509Certificate(leaf);
  expect(x509.ca).toBe(false);
  expect(x509.subjectAltName).toBe('DNS:api.example.com');
  expect(x509.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  const address = ca.issueLeaf('127.0.0.1', publicKey, now + DAY);
  expect(verify(address, '-verify_ip', '127.0.0.1')).toContain('OK');
  expect(new X509Certificate(ca.issueLeaf('[::1]', publicKey, now + DAY)).checkIP('::1')).toBe('::1');
  expect(
    new X509Certificate(ca.issueLeaf(`${'a'.repeat(60)}.example.com`, publicKey, now + DAY)).subjectAltName,
  ).toContain('.example.com');
});

test('serials differ, are positive and have no more than 20 bytes', () => {
  const ca = openCertificateAuthority(deps());
  const serials = Array.from(
    { length: 50 },
    () => new X509Certificate(ca.issueLeaf('a.test', publicKey, now + DAY)).serialNumber,
  );
  expect(new Set(serials).size).toBe(50);
  for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
});

test('name constraints bind whoever trusts the CA', () => {
  const ca = openCertificateAuthority(deps(), ['api.example.com', '*.files.example.com']);
  expect(verify(ca.issueLeaf('api.example.com', publicKey, now + DAY))).toContain('OK');
  expect(verify(ca.issueLeaf('eu.files.example.com', publicKey, now + DAY))).toContain('OK');
  expect(verify(ca.issueLeaf('example.com', publicKey, now + DAY))).toMatch(/permitted subtree violation/);
  expect(verify(ca.issueLeaf('93.184.216.34', publicKey, now + DAY))).toMatch(
    /excluded subtree violation|permitted subtree/,
  );
  expect(verify(ca.issueLeaf('::1', publicKey, now + DAY))).toMatch(/excluded subtree violation|permitted subtree/);
});

test('a CA for addresses only is good for no name', () => {
  const ca = openCertificateAuthority(deps(), ['10.0.0.1']);
  expect(verify(ca.issueLeaf('10.0.0.1', publicKey, now + DAY))).toContain('OK');
  expect(verify(ca.issueLeaf('10.0.0.2', publicKey, now + DAY))).toMatch(/permitted subtree violation/);
  expect(verify(ca.issueLeaf('example.com', publicKey, now + DAY))).toMatch(/permitted subtree violation/);
});

test('a CA that somebody else made is used as it is', () => {
  const config =
    '[req]\ndistinguished_name=dn\nx509_extensions=ca\nprompt=no\n[dn]\nO=Bank\nCN=Pod CA\n[ca]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n';
  writeFileSync(join(folder, 'req.cnf'), config);
  const key = join(folder, 'ca.key');
  execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key]);
  const certificate = join(folder, 'ca.crt');
  execFileSync('openssl', [
    'req',
    '-x509',
    '-new',
    '-key',
    key,
    '-days',
    '30',
    '-config',
    join(folder, 'req.cnf'),
    '-out',
    certificate,
  ]);
  chmodSync(key, 0o400);
  const before = readFileSync(certificate, 'utf8');
  const ca = openCertificateAuthority(deps());
  expect(
    verify(ca.issueLeaf('api.example.com', publicKey, now + DAY), '-verify_hostname', 'api.example.com'),
  ).toContain('OK');
  // Never beyond the CA's own end.
  const long = new X509Certificate(ca.issueLeaf('api.example.com', publicKey, now + 400 * DAY));
  expect(Date.parse(long.validTo)).toBeLessThanOrEqual(ca.notAfter);
  expect(readFileSync(certificate, 'utf8')).toBe(before);
});

test.each([
  ['only a certificate', () => rmSync(join(folder, 'ca.key'))],
  ['only a key', () => rmSync(join(folder, 'ca.crt'))],
  [
    'another key',
    () =>
      writeFileSync(
        join(folder, 'ca.key'),
        generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
      ),
  ],
  ['no certificate in the file', () => writeFileSync(join(folder, 'ca.crt'), 'nothing')],
  [
    'an end that has passed',
    () => {
      now += 900 * DAY;
    },
  ],
])('%s: refused, and nothing is replaced', (_, damage) => {
  openCertificateAuthority(deps());
  damage();
  const before = readdirSync(folder);
  expect(() => openCertificateAuthority(deps())).toThrow(expect.objectContaining({ code: 'AEGIS_CA' }));
  expect(readdirSync(folder)).toEqual(before);
});

test('a leaf that is no CA is no CA', () => {
  const ca = openCertificateAuthority(deps());
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const leaf = ca.issueLeaf('a.test', pair.publicKey, now + DAY);
  writeFileSync(join(folder, 'ca.crt'), leaf);
  writeFileSync(join(folder, 'ca.key'), pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect(() => openCertificateAuthority(deps())).toThrow(/is no CA/);
});

test('a folder that cannot be written is an error with its reason', () => {
  writeFileSync(join(folder, 'file'), '');
  const files = caFolder(join(folder, 'file', 'ca'));
  expect(() => openCertificateAuthority({ ...deps(), files })).toThrow(/cannot be read \(ENOTDIR\)/);
});

test('leaves are kept, renewed before their end, and bounded in number', () => {
  const ca = openCertificateAuthority(deps());
  let issued: string[] = [];
  const counting: typeof ca = {
    ...ca,
    issueLeaf(host, ...rest) {
      issued.push(host);
      return ca.issueLeaf(host, ...rest);
    },
  };
  const contexts = createLeafContexts(counting, { now: () => now }, { capacity: 2, life: 3 * DAY });
  const first = contexts.contextFor('a.test');
  expect(contexts.contextFor('a.test')).toBe(first);
  expect(issued).toEqual(['a.test']);
  now += 2 * DAY - 1;
  expect(contexts.contextFor('a.test')).toBe(first);
  now += 1;
  expect(contexts.contextFor('a.test')).not.toBe(first);
  issued = [];
  contexts.contextFor('b.test');
  contexts.contextFor('a.test');
  contexts.contextFor('c.test');
  contexts.contextFor('a.test');
  expect(issued).toEqual(['b.test', 'c.test']);
  contexts.contextFor('b.test');
  expect(issued).toEqual(['b.test', 'c.test', 'b.test']);
});

test('clients find the certificate alone, and before the public ones; both are replaced at once, or said to be in the way', () => {
  const open = (to: string) => {
    const { files, ...others } = deps();
    const names = { exportTo: join(folder, to, 'own.crt'), bundleTo: join(folder, to, 'all.crt') };
    openLeafContexts({ folder: join(folder, 'ca'), ...names }, others);
  };
  for (let starts = 0; starts < 2; starts++) open('.');
  const [own, all] = ['own.crt', 'all.crt'].map((name) => readFileSync(join(folder, name), 'utf8')) as [string, string];
  expect(own).toBe(readFileSync(join(folder, 'ca/ca.crt'), 'utf8'));
  const certificates = all.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g) ?? [];
  expect(certificates.join('')).toBe(all);
  expect(certificates[0]).toBe(own);
  expect(certificates.length).toBeGreaterThan(50);
  expect(new X509Certificate(certificates.at(-1) as string).ca).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['all.crt', 'ca', 'own.crt']);
  expect(() => open('missing')).toThrow(expect.objectContaining({ code: 'AEGIS_CA' }));
});

test('what a start that was cut off has left behind is no obstacle', () => {
  writeFileSync(join(folder, `ca.key.${process.pid}.tmp`), 'half');
  openCertificateAuthority(deps());
  expect(readdirSync(folder).sort()).toEqual(['ca.crt', 'ca.key']);
});
