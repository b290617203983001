import { X509Certificate } from 'node:crypto';
import {
  alternativeNames,
  issue,
  keyIdOf,
  leafConstraints,
  nameOf,
} from '../../../runtime/certificates/certificate.ts';
import { newP256, newSerial, statedKeyId, subjectOf } from '../../../runtime/certificates/keys.ts';

test('several names and addresses stand in one certificate', () => {
  const { publicKey, privateKey } = newP256();
  const pem = issue(
    {
      serial: newSerial((size) => new Uint8Array(size)),
      issuer: nameOf('a'),
      subject: nameOf('b'),
      notBefore: Date.UTC(2025, 0, 1),
      notAfter: Date.UTC(2055, 0, 1),
      publicKey,
      extensions: [leafConstraints(), alternativeNames(['a.b.svc', '10.0.0.1', 'fd00::1', '*.c.example'])],
    },
    privateKey,
  );
  const x509 = new X509Certificate(pem);
  expect(x509.subjectAltName).toBe('DNS:a.b.svc, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1, DNS:*.c.example');
  expect(x509.checkHost('x.c.example')).toBe('*.c.example');
  expect(x509.validToDate.toISOString()).toBe('2055-01-01T00:00:00.000Z');
  expect(subjectOf(x509)).toEqual(nameOf('b'));
  expect(statedKeyId(x509)).toBeUndefined();
  expect(keyIdOf(publicKey)).toHaveLength(20);
});

test('a serial is positive and has 16 bytes, whatever is drawn', () => {
  for (const byte of [0x00, 0x7f, 0x80, 0xff]) {
    const serial = newSerial((size) => new Uint8Array(size).fill(byte));
    expect(serial).toHaveLength(16);
    expect(serial[0]).toBeGreaterThanOrEqual(0x40);
    expect(serial[0]).toBeLessThan(0x80);
  }
});
