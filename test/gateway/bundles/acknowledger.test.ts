import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Acknowledger, type AcknowledgerOptions } from '../../../gateway/bundles/acknowledger.ts';
import { verifyHead } from '../../../policy/bundle/verify-head.ts';
import type { GatewayAcknowledgement } from '../../../policy/wire/gateway-report.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { BundleServer } from '../../support/bundle-server.ts';
import { gateway } from './gateway-under-test.ts';
import {
  AGENT,
  codeOf,
  RING,
  STRANGER_KEY,
  sign,
  sliceArchive,
  T0,
  TENANT,
  temporaryFolder,
  until,
} from './publisher.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work();
});

async function start(options: Partial<AcknowledgerOptions> = {}) {
  const server = new BundleServer();
  await server.start();
  cleanUp.push(() => server.stop());
  const under = gateway();
  const results: (string | undefined)[] = [];
  const acknowledger = new Acknowledger({
    url: `${server.url}/bundles/fintech/finance-agent/ack`,
    updater: under.updater,
    instance: 'pod-1',
    clock: systemClock,
    random: () => 0,
    interval: 60_000,
    timeout: 300,
    backoff: { base: 200, cap: 400 },
    onResult: (error) => results.push(error?.code),
    ...options,
  });
  const stopping = new AbortController();
  const running = acknowledger.run(stopping.signal);
  cleanUp.push(async () => {
    stopping.abort();
    await running;
  });
  return { server, under, results, sent: server.service.acknowledgements as GatewayAcknowledgement[] };
}

test('says what is in force, at first and after every change', async () => {
  const { under, sent } = await start();
  await until(() => sent.length === 1);
  expect(sent[0]).toEqual({ version: 1, instance: 'pod-1', tenant: { name: TENANT }, agent: AGENT, state: 'none' });
  const bundle = sign({ sequence: 3 });
  await under.sink.offer({ archive: sliceArchive(bundle) });
  await until(() => sent.at(-1)?.sequence === 3);
  const { contentRoot, etag } = bundle.manifest;
  expect(sent.at(-1)).toMatchObject({
    tenant: { name: TENANT, uid: 'uid-1' },
    state: 'active',
    contentRoot,
    etag,
    activatedAt: new Date(T0 + 1_000).toISOString(),
    stored: false,
  });
  expect(sent.at(-1)?.head).toBeUndefined();
});

test('says that something was refused, with its code', async () => {
  const { under, sent } = await start();
  await under.sink.offer({ archive: sliceArchive(sign({ sequence: 3 })) });
  await under.sink.offer({ archive: sliceArchive(sign({ sequence: 4, key: STRANGER_KEY })) });
  await until(() => sent.at(-1)?.error === 'AEGIS_BUNDLE_KEY_UNKNOWN');
  expect(sent.at(-1)).toMatchObject({ state: 'active', sequence: 3 });
});

test('presents its signed head to a server that is behind (a restored cluster)', async () => {
  const { under, sent } = await start();
  await under.sink.offer({ archive: sliceArchive(sign({ sequence: 9 })) });
  await under.sink.offer({ archive: sliceArchive(sign({ sequence: 2 })) });
  await until(() => sent.at(-1)?.head !== undefined);
  const head = new Uint8Array(Buffer.from(sent.at(-1)?.head ?? '', 'base64'));
  const verified = verifyHead(head, { keyRing: RING, tenant: TENANT, now: T0 + 1, crypto: nodeCrypto });
  expect(verified.manifest.sequence).toBe(9);
  await under.sink.offer({ archive: sliceArchive(sign({ sequence: 10 })) });
  await until(() => sent.at(-1)?.sequence === 10);
  expect(sent.at(-1)?.head).toBeUndefined();
});

test('tries again until it is accepted, and then says the latest only', async () => {
  const { server, under, sent, results } = await start();
  await until(() => sent.length === 1);
  const statuses = [503, 404, 307];
  server.intercept = (_, res) => {
    const status = statuses.shift();
    if (status === undefined) return false;
    return Boolean(res.writeHead(status, { Location: '/elsewhere' }).end());
  };
  for (const sequence of [1, 2, 3]) await under.sink.offer({ archive: sliceArchive(sign({ sequence })) });
  await until(() => sent.length >= 2);
  expect(sent[1]?.sequence).toBe(3);
  // the server knows before the gateway has read its answer
  await until(() => results.at(-1) === undefined, 'the answer');
  expect(results.filter((code) => code === 'AEGIS_BUNDLE_ACKNOWLEDGE')).toHaveLength(3);
});

test('keeps the rest that the server asks for', async () => {
  const { server, under, sent } = await start();
  await until(() => sent.length === 1);
  const at: number[] = [];
  server.intercept = (_, res) => {
    at.push(performance.now());
    return at.length > 1 ? false : Boolean(res.writeHead(429, { 'Retry-After': '1' }).end());
  };
  await under.sink.offer({ archive: sliceArchive(sign()) });
  await until(() => at.length === 2);
  expect((at[1] as number) - (at[0] as number)).toBeGreaterThanOrEqual(990);
});

test('a server that hangs holds nothing up', async () => {
  const { server, under, results } = await start();
  server.intercept = () => true;
  await under.sink.offer({ archive: sliceArchive(sign()) });
  await until(() => results.includes('AEGIS_BUNDLE_ACKNOWLEDGE'));
  expect(under.active?.sequence).toBe(1);
});

test('says it again now and then', async () => {
  const { sent } = await start({ interval: 50 });
  await until(() => sent.length >= 3);
});

test('carries the token, and never in the clear to another machine', async () => {
  const folder = temporaryFolder();
  cleanUp.push(folder.remove);
  const tokenFile = join(folder.path, 'token');
  writeFileSync(tokenFile, 'a.b.c');
  const { server, sent } = await start({ tokenFile });
  await until(() => sent.length === 1);
  expect(server.service.requests[0]?.headers.authorization).toBe('Bearer a.b.c');
  const code = codeOf(() => start({ url: 'http://operator/ack', tokenFile }));
  expect(await code).toBe('AEGIS_BUNDLE_INSECURE');
});
