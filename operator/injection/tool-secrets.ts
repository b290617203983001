import { PATHS, VOLUMES } from '../../policy/wire/pod-contract.ts';
import type { ToolFacts, Volume, VolumeMount } from './types.ts';

/** Keys of Secrets and ConfigMaps; the gateway reads no others. */
const KEY = /^(?!\.\.)[-._A-Za-z0-9]{1,253}$/;

/** Readable for everybody who can see it, and that is the gateway alone: its user owns no mounted file. */
const READ_ONLY_MODE = 0o444;

interface Source {
  kind: 'secret' | 'configMap';
  name: string;
  key: string;
  path: string;
}

/**
 * Credentials and CAs of the tools as `<toolId>/credential/<key>` and `<toolId>/ca/<key>`. One that is missing does not
 * keep the pod from starting: the gateway then refuses the calls of this tool.
 */
export function toolSecrets(tools: readonly ToolFacts[]): { volume: Volume; mount: VolumeMount } | undefined {
  const sources = tools.flatMap(sourcesOf).filter(({ key }) => KEY.test(key));
  if (sources.length === 0) return undefined;
  const projections = sources
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ kind, name, key, path }) => ({ [kind]: { name, items: [{ key, path }], optional: true } }));
  return {
    volume: { name: VOLUMES.tools, projected: { sources: projections, defaultMode: READ_ONLY_MODE } },
    mount: { name: VOLUMES.tools, mountPath: PATHS.tools, readOnly: true },
  };
}

/** Tools whose credential or CA stands under a key that no Secret can have. */
export function unusableSecrets(tools: readonly ToolFacts[]): string[] {
  return tools.filter((tool) => sourcesOf(tool).some(({ key }) => !KEY.test(key))).map(({ toolId }) => toolId);
}

function sourcesOf({ toolId, credential, ca }: ToolFacts): Source[] {
  const found: Source[] = [];
  if (credential !== undefined) {
    const { secret, key } = credential;
    found.push({ kind: 'secret', name: secret, key, path: `${toolId}/credential/${key}` });
  }
  if (ca !== undefined) {
    const kind = ca.kind === 'Secret' ? 'secret' : 'configMap';
    found.push({ kind, name: ca.name, key: ca.key, path: `${toolId}/ca/${ca.key}` });
  }
  return found;
}
