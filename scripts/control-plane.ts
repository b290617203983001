/**
 * A Kubernetes API server and the operator on this machine, to try them: `npm run control-plane`. No nodes, so pods do not
 * run; everything else is real. Writes a kubeconfig (default `aegis.kubeconfig`), and ends with Ctrl-C.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { ApiServer } from '../test/apiserver/api-server.ts';
import { waitFor } from '../test/apiserver/wait-for.ts';
import { installOperator, startOperator } from '../test/support/operator-process.ts';

const PROGRAM = fileURLToPath(new URL('../dist/operator.mjs', import.meta.url));
const WEBHOOK = fileURLToPath(new URL('../config/webhook/validating-webhook.yaml', import.meta.url));
const kubeconfig = resolve(process.argv[2] ?? 'aegis.kubeconfig');

if (!existsSync(PROGRAM)) throw new Error('not built yet: run `npm run build`');
const server = await ApiServer.start();
await installOperator(server);
const operator = await startOperator(server, { command: [process.execPath, PROGRAM] });
operator.child.stderr?.pipe(process.stderr);
await installWebhook();
server.writeKubeconfig(kubeconfig, server.adminToken);
console.log(`ready: export KUBECONFIG=${kubeconfig}`);

/** As in config/webhook, but called on this machine. Ready once the operator has put its CA there. */
async function installWebhook(): Promise<void> {
  const manifest = parse(readFileSync(WEBHOOK, 'utf8')) as { webhooks: { clientConfig: object }[] };
  for (const webhook of manifest.webhooks)
    webhook.clientConfig = { url: `https://127.0.0.1:${operator.webhook}/validate` };
  await server.applyYaml(JSON.stringify(manifest));
  const path = '-o=jsonpath={.webhooks[*].clientConfig.caBundle}';
  await waitFor(
    async () => (await server.runKubectl(['get', 'validatingwebhookconfiguration', 'aegis-validation', path])) !== '',
    30_000,
    'the operator does not put its CA into the webhook configuration',
  );
}

let ending = false;
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  rmSync(kubeconfig, { force: true });
  await operator.stop();
  await server.stop();
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end());
