import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installed } from '../../test/apiserver/processes.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { OPERATOR_NAMESPACE } from '../support/operator.ts';

const run = promisify(execFile);
const CHART = fileURLToPath(new URL('../../charts/aegis', import.meta.url));

/** What the suites give the chart: images that are on the node already, and tools that are at an address of RFC 5737. */
const VALUES = {
  image: { pullPolicy: 'Never' },
  injection: {
    image: { pullPolicy: 'Never' },
    gatewaySettings: { 'upstream.allowPrivate': '203.0.113.0/24' },
  },
};

/** helm with the cluster's kubeconfig. @throws with what it says */
export async function helm(cluster: Cluster, args: readonly string[]): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'aegis-helm-'));
  try {
    const env = { PATH: process.env.PATH, HOME: home };
    const words = [...args, '--kubeconfig', cluster.kubeconfig, '--namespace', OPERATOR_NAMESPACE];
    const { stdout } = await run(installed('helm'), words, { env, timeout: 180_000, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Installs the chart, or brings it to these values, and waits until every replica is ready. */
export async function installAegis(cluster: Cluster, values: object = {}): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-values-'));
  try {
    const file = join(folder, 'values.json');
    const own = join(folder, 'own.json');
    writeFileSync(file, JSON.stringify(VALUES));
    writeFileSync(own, JSON.stringify(values));
    await helm(cluster, [
      'upgrade',
      '--install',
      'aegis',
      CHART,
      '--create-namespace',
      '--wait',
      '--values',
      file,
      '--values',
      own,
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  await webhooksReady(cluster);
}

/** The operator has put its CA into the configurations. */
export async function webhooksReady(cluster: Cluster): Promise<void> {
  for (const [kind, name] of [
    ['mutatingwebhookconfiguration', 'aegis-injection'],
    ['validatingwebhookconfiguration', 'aegis-pods'],
  ]) {
    const path = '-o=jsonpath={.webhooks[*].clientConfig.caBundle}';
    const there = async () => (await cluster.kubectl(['get', `${kind}/${name}`, path])) !== '';
    await waitFor(there, 60_000, `${name} has no CA`);
  }
}

/** The agent has its bundle, and what its pods mount: they can start. */
export async function published(cluster: Cluster, namespace: string, agent: string): Promise<void> {
  const copy = ['get', '-n', namespace, `configmap/aegis-bootstrap-${agent}`];
  await waitFor(async () => (await cluster.run(copy)).code === 0, 60_000, `${agent} is not published`);
}
