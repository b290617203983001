import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient, KubeObject } from '../kube/types.ts';
import { SECRET } from '../model/resource-types.ts';
import { type CertificateContents, secretData } from './certificate-contents.ts';

export const CERTIFICATE_SECRET = 'aegis-serving-certificate';

/** Any new text asks for a new CA. */
export const ROTATE_ANNOTATION = 'aegis.dev/rotate-ca';

export interface CertificateSecret extends KubeObject {
  type?: string;
  /** Base64. */
  data?: Record<string, string>;
}

const FIELD_MANAGER = 'aegis-operator';

/**
 * Writes the contents in place of what was read (absent: there was none). False: somebody else has written in the
 * meantime, and nothing has changed. @throws KubeError
 */
export async function writeCertificateSecret(
  client: KubeClient,
  namespace: string,
  contents: CertificateContents,
  read: CertificateSecret | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const data = secretData(contents);
  const options = { signal, fieldManager: FIELD_MANAGER };
  try {
    if (read === undefined) await client.create(SECRET, newSecret(namespace, data), options);
    else await client.replace(SECRET, { ...read, data }, options);
    return true;
  } catch (error) {
    // 404: it was deleted after it was read
    if (error instanceof KubeError && (error.isConflict || error.status === 404)) return false;
    throw error;
  }
}

function newSecret(namespace: string, data: Record<string, string>): CertificateSecret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: CERTIFICATE_SECRET,
      namespace,
      labels: { 'app.kubernetes.io/managed-by': 'aegis-operator', 'aegis.dev/component': 'serving-certificate' },
    },
    type: 'kubernetes.io/tls',
    data,
  };
}
