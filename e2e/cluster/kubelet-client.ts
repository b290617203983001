import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import {
  authorityKeyId,
  caConstraints,
  issue,
  keyIdOf,
  keyUsage,
  leafConstraints,
  nameOf,
  subjectKeyId,
} from '../../runtime/certificates/certificate.ts';
import type { Layout } from './layout.ts';

/** As whom the API server asks the kubelet for logs and exec. */
export const KUBELET_CLIENT = 'aegis-e2e-apiserver';

/** A CA that the kubelet trusts, and a certificate of it for the API server. @returns the API server's flags */
export function makeKubeletClient(layout: Layout): string[] {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = () => Buffer.concat([Buffer.from([0x40]), randomBytes(15)]);
  const [authority, leaf] = [pair(), pair()];
  const id = keyIdOf(authority.publicKey);
  const issuer = nameOf('aegis-e2e-kubelet-clients');
  const common = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 7 * 86_400_000, issuer };
  const ca = issue(
    {
      ...common,
      serial: serial(),
      subject: issuer,
      publicKey: authority.publicKey,
      extensions: [caConstraints(), keyUsage(true), subjectKeyId(id), authorityKeyId(id)],
    },
    authority.privateKey,
  );
  const certificate = issue(
    {
      ...common,
      serial: serial(),
      subject: nameOf(KUBELET_CLIENT),
      publicKey: leaf.publicKey,
      extensions: [leafConstraints(), keyUsage(false), authorityKeyId(id)],
    },
    authority.privateKey,
  );
  const key = leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileSync(layout.file('kubelet-client-ca.crt'), ca);
  writeFileSync(layout.file('kubelet-client.crt'), certificate);
  writeFileSync(layout.file('kubelet-client.key'), key, { mode: 0o600 });
  return [
    `--kubelet-client-certificate=${layout.file('kubelet-client.crt')}`,
    `--kubelet-client-key=${layout.file('kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
  ];
}
