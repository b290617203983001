import { PATHS, TOKEN_AUDIENCE, VOLUMES } from '../../policy/wire/pod-contract.ts';
import { toolSecrets } from './tool-secrets.ts';
import type { InjectionFacts, Volume, VolumeMount } from './types.ts';

/** File with the token in its mount. */
export const TOKEN_FILE = 'token';

const READ_ONLY_MODE = 0o444;
const TOKEN_SECONDS = 3600;

/** The certificates of the pod's CA, in every container but ours. */
export const TRUST_MOUNT: Readonly<VolumeMount> = { name: VOLUMES.trust, mountPath: PATHS.trust, readOnly: true };

/** Our volumes, and how the gateway mounts them. */
export function volumesOf({ registration }: InjectionFacts): { volumes: Volume[]; mounts: VolumeMount[] } {
  const tools = toolSecrets(registration.tools);
  return {
    volumes: [
      { name: VOLUMES.state, emptyDir: { sizeLimit: '256Mi' } },
      {
        name: VOLUMES.bootstrap,
        configMap: { name: `aegis-bootstrap-${registration.name}`, defaultMode: READ_ONLY_MODE },
      },
      { name: VOLUMES.token, projected: { sources: [token()], defaultMode: READ_ONLY_MODE } },
      { name: VOLUMES.trust, emptyDir: { sizeLimit: '16Mi' } },
      ...(tools === undefined ? [] : [tools.volume]),
    ],
    mounts: [
      { name: VOLUMES.state, mountPath: PATHS.state },
      { name: VOLUMES.bootstrap, mountPath: PATHS.bootstrap, readOnly: true },
      { name: VOLUMES.token, mountPath: PATHS.token, readOnly: true },
      { name: VOLUMES.trust, mountPath: PATHS.trust },
      ...(tools === undefined ? [] : [tools.mount]),
    ],
  };
}

function token(): object {
  return {
    serviceAccountToken: { audience: TOKEN_AUDIENCE, expirationSeconds: TOKEN_SECONDS, path: TOKEN_FILE },
  };
}
