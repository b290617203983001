/** Keys, commits, repairs and what is served, on a real API server. */
import { randomBytes } from 'node:crypto';
import { verifyCandidate } from '../../../gateway/bundles/verify-candidate.ts';
import { bootstrapData } from '../../../operator/bundles/bootstrap-data.ts';
import type { CommittedBundles } from '../../../operator/bundles/committed-bundles.ts';
import { GRACE } from '../../../operator/bundles/garbage.ts';
import { Publisher } from '../../../operator/bundles/publisher.ts';
import { openSigningKeys } from '../../../operator/bundles/signing-keys.ts';
import { type ConfigMap, publishTrustedKeys, trustedKeysConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import type { KubeClient } from '../../../operator/kube/types.ts';
import type { Committed } from '../../../operator/model/committed.ts';
import { CONFIG_MAP, NAMESPACE as NAMESPACES } from '../../../operator/model/resource-types.ts';
import { DEFAULT_LIMITS, SLICE_LIMITS } from '../../../policy/bundle/limits.ts';
import { joinShards } from '../../../policy/bundle/shards.ts';
import { verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { aegis } from '../../cli/support/memory-context.ts';
import {
  codeOf,
  crypto,
  ENGINE,
  HOUR,
  NAMESPACE,
  newBundles,
  newWorld,
  publication,
  TENANT,
  type World,
} from './world.ts';

let server: ApiServer;
let client: KubeClient;
let world: World;
let bundles: CommittedBundles;
const end = new AbortController();

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
  client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'test' });
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  world = await newWorld(client);
  bundles = newBundles(client, { ...world, clock: systemClock as unknown as World['clock'] });
  void bundles.run(end.signal);
  void world.keys.run(end.signal);
});

afterAll(async () => {
  end.abort();
  await client?.close();
  await server?.stop();
});

const another = (): Publisher => new Publisher({ ...world, client, namespace: NAMESPACE, crypto, engine: ENGINE });
const kubectl = (...args: string[]): string => server.kubectl(['-n', NAMESPACE, ...args]);
const shards = (tenantHead: string): string[] => {
  const { groups } = JSON.parse(kubectl('get', 'configmap', tenantHead, '-o', 'jsonpath={.data.index\\.json}')) as {
    groups: Record<string, string[]>;
  };
  return Object.values(groups).flat();
};

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const started = Date.now(); !holds(); ) {
    if (Date.now() - started > 20_000) throw new Error(`not ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('keys: whoever starts at the same time has the same ones', async () => {
  const open = () =>
    openSigningKeys({
      client,
      namespace: NAMESPACE,
      clock: systemClock,
      crypto,
      randomBytes: (n) => new Uint8Array(randomBytes(n)),
    });
  const all = await Promise.all([open(), open(), open()]);
  for (const keys of all) expect(keys.pinned()).toEqual(world.keys.pinned());
  await publishTrustedKeys(client, trustedKeysConfigMap(world.keys, 'CERTIFICATE', NAMESPACE));
  await publishTrustedKeys(client, trustedKeysConfigMap(world.keys, 'CERTIFICATE', NAMESPACE));
  expect(kubectl('get', 'configmap', 'aegis-trusted-keys', '-o', 'jsonpath={.data.ca\\.crt}')).toBe('CERTIFICATE');
});

describe('one tenant', () => {
  let last: Committed;

  test('what is committed is loaded by others, served, and accepted by gateways', async () => {
    const first = await world.publisher.publish(publication(1), undefined);
    last = await world.publisher.publish(publication(2), first);
    expect(await another().load(TENANT)).toEqual(last);
    await until('served', () => bundles.tenant(TENANT.name)?.manifest.sequence === 2);
    expect(bundles.ready).toBe(true);
    const archive = bundles.tenant(TENANT.name, TENANT.uid)?.archive('agent-a') as Uint8Array;
    const options = {
      keyRing: world.keys.ring(),
      tenant: TENANT.name,
      agentId: 'agent-a',
      now: world.clock.now(),
      crypto,
      limits: SLICE_LIMITS,
    };
    expect((await verifyCandidate({ archive }, options)).manifest).toEqual(last.manifest);
  });

  test('of two publishers, one commits', async () => {
    const rivals = [another(), another()];
    const bases = await Promise.all(rivals.map((rival) => rival.load(TENANT)));
    const results = await Promise.allSettled(
      rivals.map((rival, i) => rival.publish(publication(3, { agents: { 'agent-a': { rival: i } } }), bases[i])),
    );
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lost = results.find((result) => result.status === 'rejected');
    expect(lost?.reason).toMatchObject({ code: 'AEGIS_HEAD_CONFLICT' });
    expect(await codeOf(world.publisher.renew(last, { lifetime: HOUR }))).toBe('AEGIS_HEAD_CONFLICT');
    last = (await world.publisher.load(TENANT)) as Committed;
    expect(last.manifest.sequence).toBe(3);
  });

  test('shards that were deleted or replaced by hand are put right; they cannot be edited', async () => {
    const [a = '', b = ''] = shards(last.configMapName).map((digest) => `aegis-shard.${digest}`);
    expect(() => kubectl('patch', 'configmap', a, '-p', '{"binaryData":{"data":"AAAA"}}')).toThrow(/immutable/);
    kubectl('delete', 'configmap', a, b);
    kubectl('create', 'configmap', b, '--from-literal=data=x');
    expect((await codeOf(another().load(TENANT))).slice(0, 12)).toBe('AEGIS_SHARD_');
    expect((await world.publisher.repair(last)).sort()).toEqual([a, b].sort());
    expect(await another().load(TENANT)).toEqual(last);
    expect(await world.publisher.repair(last)).toEqual([]);
  });

  test('a head that was edited or deleted by hand is never served, and put back', async () => {
    const name = last.configMapName;
    const patch = JSON.stringify({ data: { 'manifest.json': '{}' } });
    kubectl('patch', 'configmap', name, '-p', patch);
    await until('refused', () => bundles.refused().get(`${NAMESPACE}/${name}`) === 'AEGIS_BUNDLE_SIGNATURE_MISSING');
    expect(bundles.tenant(TENANT.name)?.manifest).toEqual(last.manifest);
    expect(await world.publisher.repair(last)).toEqual([name]);
    await until('accepted', () => bundles.refused().size === 0);
    kubectl('label', 'configmap', name, 'aegis.dev/component-');
    expect(await world.publisher.repair(last)).toEqual([name]);
    kubectl('delete', 'configmap', name);
    expect(bundles.tenant(TENANT.name)?.manifest).toEqual(last.manifest);
    last = await world.publisher.publish(publication(4), last);
    kubectl('annotate', 'configmap', name, 'example.com/note=seen');
    last = await world.publisher.publish(publication(5), last);
    expect(await another().load(TENANT)).toEqual(last);
    await until('served', () => bundles.tenant(TENANT.name)?.manifest.sequence === 5);
  });

  test('garbage goes, and nothing else', async () => {
    for (let sequence = 6; sequence <= 9; sequence++) {
      last = await world.publisher.publish(publication(sequence, { retention: 2 }), last);
    }
    const count = (component: string): number =>
      kubectl('get', 'configmap', '-l', `aegis.dev/component=${component}`, '-o', 'name').trim().split('\n').length;
    const before = count('bundle-shard');
    for (let rounds = 0; rounds < 4; rounds++) {
      for (let turn = 0; turn < 16; turn++) await world.publisher.collectGarbage(2);
      world.clock.passed += GRACE;
    }
    expect(count('bundle-archive')).toBe(1);
    expect(count('bundle-shard')).toBeLessThan(before);
    expect(await another().load(TENANT)).toEqual(last);
    expect((await another().loadArchived(TENANT))?.manifest.sequence).toBe(8);
    expect(await world.publisher.repair(last)).toEqual([]);
  });

  test('`aegis keys` lists, rotates and revokes; bundles in force are never left without their key', async () => {
    const run = (...args: string[]) => aegis(['keys', ...args, '--kubeconfig', server.kubeconfig], {});
    const [active, standby] = world.keys.pinned();
    const list = await run('list');
    expect(list.stdout).toMatch(new RegExp(`${active} +active +- +fintech\n${standby} +standby +- +-\n`));
    const rotated = await run('rotate', '--yes');
    expect([rotated.code, rotated.stderr]).toEqual([0, '']);
    expect(rotated.stdout).toContain('Restart all agents');
    await until('rotated', () => world.keys.active().keyId === standby);
    expect((await run('revoke', active, '--yes')).stderr).toContain('AEGIS_KEY_IN_USE');
    last = await world.publisher.renew(last, { lifetime: HOUR });
    await until('served', () => bundles.tenant(TENANT.name)?.manifest.keyId === standby);
    expect((await run('revoke', active, '--yes')).code).toBe(0);
    await until('revoked', () => world.keys.revoked().includes(active));
    expect(bundles.tenant(TENANT.name)?.manifest.sequence).toBe(9);
    expect((await run('list', '--namespace', 'nowhere')).stderr).toContain('AEGIS_SIGNING_KEYS_GONE');
  });
});

test('near the limits: agents of more than 1 MiB, compressed, are committed, served and read', async () => {
  const identity = { name: 'large', uid: 'uid-of-large' };
  const noise = (bytes: number): string => randomBytes(bytes).toString('base64');
  const agents = { big: { text: noise(1_200_000) }, other: { text: noise(700_000) }, small: {} };
  const committed = await world.publisher.publish(publication(1, { identity, agents }), undefined);
  expect(await another().load(identity)).toEqual(committed);
  await until('served', () => bundles.tenant(identity.name) !== undefined);
  const bundle = bundles.tenant(identity.name);
  const archive = bundle?.archive('big') as Uint8Array;
  expect(archive.length).toBeGreaterThan(1024 * 1024);
  const options = { keyRing: world.keys.ring(), tenant: identity.name, now: world.clock.now(), crypto };
  expect(verifyBundle(archive, { ...options, agentId: 'big', limits: SLICE_LIMITS }).kind).toBe('slice');
  // the bootstrap copy of the other one just fits
  const { data, binaryData } = bootstrapData(
    bundle as never,
    'other',
    { ring: world.keys.ring(), caPem: 'CA' },
    crypto,
  );
  const copy: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'aegis-bootstrap-other', namespace: NAMESPACE },
    data,
    binaryData,
  };
  const stored = await client.apply<ConfigMap>(CONFIG_MAP, copy, { fieldManager: 'aegis-operator', force: true });
  const entries = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(stored.data ?? {})) entries.set(key, new TextEncoder().encode(text));
  for (const [key, text] of Object.entries(stored.binaryData ?? {}))
    entries.set(key, new Uint8Array(Buffer.from(text, 'base64')));
  expect(verifyBundle(joinShards(entries, DEFAULT_LIMITS, crypto), { ...options, agentId: 'other' }).kind).toBe(
    'slice',
  );
});

test('the API server is killed while commits go on: nothing is lost, nothing is half there', async () => {
  const identity = { name: 'restart', uid: 'uid-of-restart' };
  const publisher = new Publisher({
    ...world,
    clock: systemClock,
    client,
    namespace: NAMESPACE,
    crypto,
    engine: ENGINE,
  });
  let last = await publisher.publish(publication(1, { identity }), undefined);
  const writing = (async () => {
    for (let sequence = 2; ; sequence++) last = await publisher.publish(publication(sequence, { identity }), last);
  })().catch((error: unknown) => error);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await server.killServer();
  expect(await writing).toBeInstanceOf(Error);
  await server.startServer();
  const found = await another().load(identity);
  expect(found?.manifest.sequence).toBeGreaterThanOrEqual(last.manifest.sequence);
  expect(found?.manifest.sequence).toBeLessThanOrEqual(last.manifest.sequence + 1);
  await until('served', () => bundles.tenant(identity.name)?.manifest.etag === found?.manifest.etag);
});
