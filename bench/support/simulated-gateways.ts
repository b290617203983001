/**
 * Many gateways in one process, as far as the operator can tell: each follows its bundle by long poll, looks into what it
 * got for the head, and acknowledges. They decide nothing and verify nothing, so that what is measured is the operator.
 * One line per acknowledgement that was taken: `{"sequence":…,"at":…}` (ms since the epoch).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Agent, request } from 'undici';

export interface SimulatedGateway {
  tenant: string;
  tenantUid: string;
  agent: string;
  token: string;
  /** The pod's uid. */
  instance: string;
}

interface Plan {
  /** `https://host:port/v1` */
  base: string;
  caFile: string;
  /** JSON list of gateways. */
  file: string;
}

const plan = JSON.parse(process.argv[2] ?? '{}') as Plan;
const gateways = JSON.parse(readFileSync(plan.file, 'utf8')) as SimulatedGateway[];
const dispatcher = new Agent({
  connect: { ca: readFileSync(plan.caFile), timeout: 30_000 },
  connections: null,
  headersTimeout: 0,
  bodyTimeout: 0,
});

/** `manifest.json` of a slice: its tar header is one block, and says the size in octal. */
function headOf(archive: Buffer): Buffer {
  const tar = gunzipSync(archive);
  for (let at = 0; at + 512 <= tar.length; ) {
    const name = tar.toString('latin1', at, tar.indexOf(0, at));
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    if (name === 'manifest.json') return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error('there is no head in the slice');
}

async function acknowledge(
  { tenant, tenantUid, agent, token, instance }: SimulatedGateway,
  head: Buffer,
): Promise<void> {
  const { sequence, contentRoot, etag } = JSON.parse(head.toString('utf8')) as Record<string, never>;
  const now = new Date().toISOString();
  const answer = await request(`${plan.base}/acknowledgements`, {
    dispatcher,
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      version: 1,
      instance,
      tenant: { name: tenant, uid: tenantUid },
      agent,
      state: 'active',
      sequence,
      contentRoot,
      etag,
      digest: createHash('sha256').update(head).digest('hex'),
      activatedAt: now,
      stored: true,
    }),
  });
  await answer.body.dump();
  if (answer.statusCode === 204) process.stdout.write(`{"sequence":${sequence},"at":${Date.now()}}\n`);
}

async function follow(gateway: SimulatedGateway): Promise<never> {
  let tag = '';
  for (;;) {
    try {
      const answer = await request(`${plan.base}/bundles/${gateway.tenant}/${gateway.agent}.tar.gz`, {
        dispatcher,
        headers: {
          authorization: `Bearer ${gateway.token}`,
          prefer: 'modes=snapshot;wait=60',
          ...(tag !== '' && { 'if-none-match': tag }),
        },
      });
      const body = Buffer.from(await answer.body.arrayBuffer());
      if (answer.statusCode === 200) {
        tag = String(answer.headers.etag);
        await acknowledge(gateway, headOf(body));
      } else if (answer.statusCode !== 304) {
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

await Promise.all(gateways.map(follow));
