import { createKubeClient } from '../../../operator/kube/client.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { CONFIG_MAP } from './types.ts';

test('idle', async () => {
  const server = await ApiServer.start({ crds: true });
  const client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'x' });
  const t0 = Date.now();
  const lines: string[] = [];
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 150_000);
  const w = async (type: any) => {
    try {
      const { resourceVersion } = await client.list(type);
      lines.push(`${type.plural} list ${resourceVersion}`);
      for await (const e of client.watch<any>(type, { resourceVersion, timeoutSeconds: 300 }, stop.signal))
        lines.push(`${Date.now() - t0} ${type.plural} ${e.type} ${e.type === 'BOOKMARK' ? e.resourceVersion : ''}`);
    } catch (e) {
      lines.push(`${Date.now() - t0} ${type.plural} ${e}`);
    }
  };
  const cr = {
    group: 'aegis.dev',
    version: 'v1alpha1',
    plural: 'agentpolicies',
    kind: 'AgentPolicy',
    namespaced: true,
  };
  await Promise.all([w(cr), w(CONFIG_MAP), w({ ...CONFIG_MAP, plural: 'secrets', kind: 'Secret' })]);
  console.log(lines.join('\n'));
  await client.close();
  await server.stop();
}, 200_000);
