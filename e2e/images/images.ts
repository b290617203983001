import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolFolder } from '../../scripts/tool-path.ts';
import { buildImage } from './build.ts';
import { pruneLayers } from './layers.ts';
import { pauseImage } from './pause.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(ROOT, 'examples/payments-agent');
const VERSION = '0.1.0';

/** What the suites run; `IfNotPresent` and `Never` find them on the node. */
export const IMAGES = {
  gateway: `aegis-gateway:${VERSION}`,
  operator: `aegis-operator:${VERSION}`,
  workload: 'aegis-e2e-workload:e2e',
  standIn: 'aegis-e2e-stand-in:e2e',
  paymentsAgent: `payments-agent:${VERSION}`,
} as const;

/** All images, built where something has changed. @returns their docker-archives */
export async function buildImages(): Promise<string[]> {
  const context = ROOT;
  const files = [
    await pauseImage(),
    await buildImage({ name: IMAGES.gateway, dockerfile: join(ROOT, 'Dockerfile'), context }),
    await buildImage({ name: IMAGES.operator, dockerfile: join(ROOT, 'Dockerfile.operator'), context }),
    await buildImage({
      name: IMAGES.workload,
      dockerfile: join(ROOT, 'e2e/images/workload/Dockerfile'),
      context,
      contexts: {
        'stripe-python': toolFolder('stripe-python'),
        'stripe-node': join(ROOT, 'node_modules/stripe'),
      },
    }),
    await buildImage({ name: IMAGES.standIn, dockerfile: join(ROOT, 'e2e/images/stand-in/Dockerfile'), context }),
    await buildImage({ name: IMAGES.paymentsAgent, dockerfile: join(EXAMPLE, 'Dockerfile'), context: EXAMPLE }),
  ];
  pruneLayers();
  return files;
}
