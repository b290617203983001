/**
 * Compiles and signs a synthetic tenant and writes the archive that the gateway of agent-0 receives, in a process of its
 * own, so that what measures the slice holds nothing of the tenant: `node make-slice.ts POLICIES OWN ARCHIVE`.
 */
import { writeFileSync } from 'node:fs';
import { nodeCrypto } from '../../gateway/crypto/node-crypto.ts';
import { packBundle } from '../../policy/bundle/pack-bundle.ts';
import { sliceBundle } from '../../policy/bundle/slice-bundle.ts';
import { compileTenant, newSession } from './pipeline.ts';
import { ALLOWED_CALL, tenantResources } from './tenant.ts';

const [policies = 0, own = 0] = process.argv.slice(2, 4).map(Number);
const agents = policies === own ? 1 : 100;
const resources = tenantResources({ policies, agents, tools: 50, actionsPerTool: 10, own });
const signed = newSession().publish(compileTenant(resources));
writeFileSync(process.argv[4] ?? '', packBundle(sliceBundle(signed, ALLOWED_CALL.agent, nodeCrypto)));
