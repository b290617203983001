/** The webhooks for pods as they ship in `config/webhook/pod-webhooks.yaml`, called on this machine. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../operator/kube/types.ts';
import { type ApiServer, waitFor } from '../apiserver/api-server.ts';

export interface WebhookManifest extends KubeObject {
  webhooks: Record<string, unknown>[];
}

const FILE = fileURLToPath(new URL('../../config/webhook/pod-webhooks.yaml', import.meta.url));

export function podWebhookManifests(port: number): WebhookManifest[] {
  return parseAllDocuments(readFileSync(FILE, 'utf8')).map((document) => {
    const manifest = document.toJS() as WebhookManifest;
    for (const webhook of manifest.webhooks) {
      const { service } = webhook.clientConfig as { service: { path: string } };
      webhook.clientConfig = { url: `https://127.0.0.1:${port}${service.path}` };
    }
    return manifest;
  });
}

/** Installed, and the operator has put its CA there. */
export async function installPodWebhooks(server: ApiServer, port: number): Promise<void> {
  const items = podWebhookManifests(port);
  await server.applyYaml(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  for (const { kind, metadata } of items) {
    const path = '-o=jsonpath={.webhooks[*].clientConfig.caBundle}';
    const there = async () => (await server.runKubectl(['get', kind, metadata.name, path])) !== '';
    await waitFor(there, 30_000, `the operator does not put its CA into ${metadata.name}`);
  }
}
