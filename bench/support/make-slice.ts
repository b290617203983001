/**
 * Compiles and signs a synthetic tenant and writes the archive that the gateway of agent-0 receives, in a process of its
 * own, so that what measures the slice holds nothing of the tenant:
 * `node make-slice.ts POLICIES OWN ARCHIVE [CAP…]`. With caps, one archive per cap is written (`ARCHIVE.0`, `ARCHIVE.1` …),
 * each a later sequence in which every policy of the agent has that cap.
 */
import { writeFileSync } from 'node:fs';
import { packBundle } from '../../policy/bundle/pack-bundle.ts';
import { sliceBundle } from '../../policy/bundle/slice-bundle.ts';
import { nodeCrypto } from '../../runtime/crypto/node-crypto.ts';
import { compileTenant, newSession } from './pipeline.ts';
import { ALLOWED_CALL, tenantResources } from './tenant.ts';

const [policies = 0, own = 0] = process.argv.slice(2, 4).map(Number);
const [archive = '', ...caps] = process.argv.slice(4);
const agents = policies === own ? 1 : 100;
const size = { policies, agents, tools: 50, actionsPerTool: 10, own };
const session = newSession();

function write(file: string, cap?: number): void {
  const signed = session.publish(compileTenant(tenantResources(size, cap)));
  writeFileSync(file, packBundle(sliceBundle(signed, ALLOWED_CALL.agent, nodeCrypto)));
}

if (caps.length === 0) write(archive);
else for (const [index, cap] of caps.entries()) write(`${archive}.${index}`, Number(cap));
