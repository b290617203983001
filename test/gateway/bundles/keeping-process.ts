/**
 * A gateway that takes one bundle after the other and prints each sequence once it is on disk. The parent kills it.
 * Arguments: state folder, first sequence, file with the archives (JSON array of base64).
 */
import { readFileSync } from 'node:fs';
import { Activations } from '../../../gateway/activation/activations.ts';
import { folderStore } from '../../../gateway/bundles/bundle-store.ts';
import { BundleUpdater, GATEWAY_LIMITS } from '../../../gateway/bundles/bundle-updater.ts';
import { parseKeyRing } from '../../../policy/bundle/key-ring.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { systemClock } from '../../../runtime/time/clock.ts';

const [folder = '', keys = '', input = ''] = process.argv.slice(2);
const ring = parseKeyRing(readFileSync(keys, 'utf8'), nodeCrypto);
const archives = JSON.parse(readFileSync(input, 'utf8')) as string[];
const updater = new BundleUpdater({
  activations: new Activations(),
  tenant: 'fintech',
  agentId: 'finance-agent',
  trustedKeys: async () => ({ ring }),
  crypto: nodeCrypto,
  clock: systemClock,
  random: Math.random,
  store: folderStore(folder, { limits: GATEWAY_LIMITS, crypto: nodeCrypto }),
});
const stored = new Map<number, () => void>();
updater.subscribe((event) => {
  if (event.type !== 'stored') return;
  if (event.code !== undefined) console.log(`error ${event.code}`);
  stored.get(event.sequence)?.();
});
await updater.restore();
const status = updater.status();
console.log(`restored ${status.active?.sequence ?? 0} ${status.lastError?.code ?? 'fine'}`);
const sink = updater.connect({ kind: 'http', place: 'test' });
for (const archive of archives) {
  const { outcome } = await sink.offer({ archive: new Uint8Array(Buffer.from(archive, 'base64')) });
  if (outcome !== 'activated') continue;
  const sequence = updater.status().active?.sequence ?? 0;
  console.log(`active ${sequence}`);
  await new Promise<void>((resolve) => {
    stored.set(sequence, resolve);
    if (updater.status().stored === sequence) resolve();
  });
  console.log(`stored ${sequence}`);
}
console.log('done');
