import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Activations } from '../../../gateway/activation/activations.ts';
import { startBundles } from '../../../gateway/bundles/start-bundles.ts';
import { Reporter } from '../../../gateway/reports/reporter.ts';
import { Relay } from '../../../operator/serving/relay.ts';
import { RelayClient } from '../../../operator/serving/relay-client.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { sign, sliceArchive, until, writeKeys } from '../../gateway/bundles/publisher.ts';
import { compared, INFO, newCounts, POLICY, REVISION, refused } from '../../gateway/reports/counts.ts';
import { createAuthority } from '../../gateway/upstream/support/certificates.ts';
import { registrationOf } from './registration-of.ts';
import { OPERATOR, ServingWorld } from './serving-world.ts';

let server: ApiServer;
let world: ServingWorld;
let agentToken: string;
let agentUid: string;

const PATH = '/v1/bundles/fintech/finance-agent.tar.gz';
const TENANT = { name: 'fintech', uid: 'uid-of-fintech' };
const archive = (text: string) => new Uint8Array(Buffer.from(text));
const SLICES = { 'finance-agent': archive('finance'), 'planner-agent': archive('planner'), ghost: archive('ghost') };

beforeAll(async () => {
  server = await ApiServer.start();
  const of = (namespace: string, ...names: string[]) =>
    names.map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } }));
  const namespaces = ['fintech', 'health', 'aegis-system'].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  }));
  server.kubectl(
    ['apply', '-f', '-'],
    [
      ...namespaces,
      ...of('fintech', 'default', 'finance-agent', 'planner-agent', 'twin-agent'),
      ...of('health', 'finance-agent'),
      ...of('aegis-system', 'aegis-operator', 'somebody'),
      registrationOf('fintech', 'finance-agent', 'finance-agent'),
      registrationOf('fintech', 'planner-agent', 'planner-agent'),
      registrationOf('fintech', 'twin-one', 'twin', 'twin-agent'),
      registrationOf('fintech', 'twin-two', 'twin', 'twin-agent'),
      registrationOf('health', 'finance-agent', 'finance-agent'),
    ]
      .map((object) => JSON.stringify(object))
      .join('\n---\n'),
  );
  world = await ServingWorld.open(server);
  agentUid = await world.pod('fintech', 'agent-0', { app: 'finance-agent', serviceAccountName: 'finance-agent' });
  agentToken = await world.token('fintech', 'finance-agent', { pod: { name: 'agent-0', uid: agentUid } });
  world.bundles.publish(TENANT, 'one', SLICES);
  world.bundles.publish({ name: 'health', uid: 'uid-of-health' }, 'other', SLICES);
  await until(() => world.pods.synced && world.keys().length === 5);
});
afterAll(async () => {
  await world?.close();
  await server?.stop();
});

/** A pod with a token of its own. */
async function started(name: string, app: string, serviceAccountName: string, nodeName?: string) {
  const placed = nodeName === undefined ? {} : { nodeName };
  const uid = await world.pod('fintech', name, { app, serviceAccountName, ...placed });
  return { uid, token: await world.token('fintech', serviceAccountName, { pod: { name, uid } }) };
}

const outcome = async (token: string | undefined, path = PATH) => {
  const { status, code } = await world.ask('GET', path, token === undefined ? {} : { token });
  return [status, code];
};

describe('an agent', () => {
  test('gets its slice', async () => {
    const { status, headers, body } = await world.ask('GET', PATH, { token: agentToken });
    expect([status, headers.etag, body.toString()]).toEqual([200, '"one"', 'finance']);
    expect(headers).toMatchObject({ 'content-type': 'application/gzip', 'cache-control': 'no-store' });
    const head = await world.ask('HEAD', PATH, { token: agentToken });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '7', 0]);
  });

  test('gets nobody else’s, and does not learn whether there is any', async () => {
    const paths = [
      '/v1/bundles/fintech/planner-agent.tar.gz',
      '/v1/bundles/fintech/nobody.tar.gz',
      '/v1/bundles/health/finance-agent.tar.gz',
      '/v1/bundles/nowhere/finance-agent.tar.gz',
      '/v1/bundles/fintech/finance-agent.tar.gz%20',
      '/v1/bundles/Fintech/finance-agent.tar.gz',
    ];
    const answers = await Promise.all(paths.map((path) => world.ask('GET', path, { token: agentToken })));
    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 403));
    expect(new Set(answers.map(({ body }) => body.toString())).size).toBe(1);
  });

  test('of a pod that has not started yet gets it too: its gateway comes first', async () => {
    const { token } = await started('early', 'finance-agent', 'finance-agent');
    await world.phase('fintech', 'early', 'Pending');
    expect(await outcome(token)).toEqual([200, undefined]);
  });

  test('that is deleted gets what refuses it, as long as it is a tombstone', async () => {
    const { token } = await started('left', 'ghost', 'planner-agent');
    const path = '/v1/bundles/fintech/ghost.tar.gz';
    expect(await outcome(token, path)).toEqual([403, 'AEGIS_SERVING_UNREGISTERED']);
    const registration = registrationOf('fintech', 'ghost', 'ghost', 'planner-agent');
    world.deleted.push({ agentId: 'ghost', tenant: TENANT, registration });
    expect(await outcome(token, path)).toEqual([200, undefined]);
    world.deleted.length = 0;
    expect(await outcome(token, path)).toEqual([403, 'AEGIS_SERVING_UNREGISTERED']);
  });
});

describe('refused is', () => {
  const UNAUTHENTICATED = [401, 'AEGIS_SERVING_UNAUTHENTICATED'];
  const TOKEN = [401, 'AEGIS_SERVING_TOKEN'];
  const POD = [403, 'AEGIS_SERVING_POD'];

  test('nobody, and nonsense', async () => {
    expect(await outcome(undefined)).toEqual(UNAUTHENTICATED);
    const basic = await world.ask('GET', PATH, { headers: { authorization: 'Basic YTpi' } });
    expect([basic.status, basic.headers['www-authenticate']]).toEqual([401, 'Bearer realm="aegis"']);
    expect(await outcome('nonsense')).toEqual(TOKEN);
    expect(await outcome(server.adminToken)).toEqual(TOKEN);
  });

  test('a token for another audience', async () => {
    const pod = { name: 'agent-0', uid: agentUid };
    const token = await world.token('fintech', 'finance-agent', { pod, audience: 'https://kubernetes.default.svc' });
    expect(await outcome(token)).toEqual(TOKEN);
    const operators = await world.token('fintech', 'finance-agent', { pod, audience: 'aegis.dev/operator' });
    expect(await outcome(operators)).toEqual(TOKEN);
    // said by the token itself, but not signed
    const [head, payload = '', signature] = token.split('.');
    const claims = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), aud: ['aegis.dev'] };
    const forged = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
    expect(await outcome(forged)).toEqual(TOKEN);
  });

  test('a token that has expired', async () => {
    const now = Math.floor(Date.now() / 1000);
    const alive = world.resigned(agentToken, (claims) => Object.assign(claims, { exp: now + 300 }));
    expect(await outcome(alive)).toEqual([200, undefined]);
    const expired = world.resigned(agentToken, (claims) => Object.assign(claims, { exp: now - 300 }));
    expect(await outcome(expired)).toEqual(TOKEN);
  });

  test('a token that is not bound to a pod', async () => {
    const token = await world.token('fintech', 'finance-agent');
    expect(await outcome(token)).toEqual([401, 'AEGIS_SERVING_TOKEN_UNBOUND']);
  });

  test('the token of a pod that was deleted, at once, although it was fine a moment ago', async () => {
    const { uid, token } = await started('short', 'finance-agent', 'finance-agent');
    expect(await outcome(token)).toEqual([200, undefined]);
    await until(() => world.pods.podByUid('fintech', 'short', uid) !== undefined);
    server.kubectl(['delete', 'pod', '-n', 'fintech', 'short', '--grace-period=0', '--force']);
    await until(() => world.pods.podByUid('fintech', 'short', uid) === undefined);
    expect(await outcome(token)).toEqual(POD);
    // and that of a new pod of the same name is not the old one
    const again = await started('short', 'finance-agent', 'finance-agent');
    expect(await outcome(again.token)).toEqual([200, undefined]);
    expect((await outcome(token))[0]).toBe(403);
  });

  test('a token that names another pod’s uid', async () => {
    const swapped = world.resigned(agentToken, (claims) => {
      const bound = claims['kubernetes.io'] as { pod: { uid: string } };
      bound.pod.uid = '00000000-0000-0000-0000-000000000000';
    });
    expect((await outcome(swapped))[0]).toBe(401);
  });

  test('a token of a pod that has finished', async () => {
    const { uid, token } = await started('done', 'finance-agent', 'finance-agent');
    await world.phase('fintech', 'done', 'Succeeded');
    await until(() => world.pods.podByUid('fintech', 'done', uid)?.phase === 'Succeeded');
    expect(await outcome(token)).toEqual(POD);
  });

  test('a token that names another node than the pod’s', async () => {
    const { token } = await started('placed', 'finance-agent', 'finance-agent', 'node-1');
    expect(await outcome(token)).toEqual([200, undefined]);
    const elsewhere = world.resigned(token, (claims) => {
      const bound = claims['kubernetes.io'] as { node?: { name: string } };
      expect(bound.node?.name).toBe('node-1');
      bound.node = { name: 'node-2' };
    });
    expect([401, 403]).toContain((await outcome(elsewhere))[0]);
  });

  test('a pod that two registrations match', async () => {
    const { token } = await started('twin', 'twin', 'twin-agent');
    for (const name of ['twin-one', 'twin-two']) {
      expect(await outcome(token, `/v1/bundles/fintech/${name}.tar.gz`)).toEqual([403, 'AEGIS_SERVING_AMBIGUOUS']);
    }
  });

  test('a pod whose labels are changed, also while it waits', async () => {
    const { uid, token } = await started('renamed', 'finance-agent', 'finance-agent');
    await until(() => world.pods.podByUid('fintech', 'renamed', uid) !== undefined);
    const headers = { 'If-None-Match': '"one"', Prefer: 'modes=snapshot;wait=20' };
    const waiting = world.ask('GET', PATH, { token, headers });
    await until(() => world.api.waiting === 1);
    server.kubectl(['label', 'pod', '-n', 'fintech', 'renamed', '--overwrite', 'app=planner-agent']);
    await until(() => world.pods.podByUid('fintech', 'renamed', uid)?.labels.app === 'planner-agent');
    world.bundles.publish(TENANT, 'one', SLICES);
    expect([(await waiting).status, (await waiting).code]).toEqual([403, 'AEGIS_SERVING_UNREGISTERED']);
    expect(await outcome(token)).toEqual([403, 'AEGIS_SERVING_UNREGISTERED']);
  });

  test('a pod of the right labels that runs as another ServiceAccount', async () => {
    const { token } = await started('impostor', 'finance-agent', 'planner-agent');
    expect(await outcome(token)).toEqual([403, 'AEGIS_SERVING_UNREGISTERED']);
  });
});

test('what was told is kept under the name of the token; tokens are in no log', async () => {
  const acknowledgement = {
    version: 1,
    instance: 'anything',
    tenant: TENANT,
    agent: 'finance-agent',
    state: 'active',
    sequence: 7,
    digest: 'ab'.repeat(32),
  };
  const post = (path: string, body: unknown) => world.ask('POST', path, { token: agentToken, body });
  expect((await post('/v1/acknowledgements', acknowledgement)).status).toBe(204);
  expect(world.gateways.ofAgent(TENANT, 'finance-agent')).toMatchObject([{ podName: 'agent-0', podUid: agentUid }]);
  expect(world.gateways.acknowledged(TENANT, 'finance-agent', 7)).toBe(1);
  expect(world.gateways.acknowledged(TENANT, 'finance-agent', 8)).toBe(0);
  for (const other of [
    { tenant: { name: 'health' } },
    { tenant: { name: 'fintech', uid: 'another' } },
    { agent: 'planner-agent' },
  ]) {
    const { status, code } = await post('/v1/acknowledgements', { ...acknowledgement, ...other });
    expect([status, code]).toEqual([403, 'AEGIS_SERVING_BODY_IDENTITY']);
  }
  const violation = {
    policy: 'fintech/p',
    rule: 'r',
    tool: 't',
    action: 'a',
    code: 'CONDITION_FAILED',
    verdict: 'deny',
  };
  const report = {
    version: 1,
    instance: 'anything',
    boot: 'boot-0001',
    since: new Date(Date.now() + 1000).toISOString(),
    candidates: [],
    violations: [{ ...violation, calls: 3 }],
    overflow: 0,
  };
  expect((await post('/v1/reports', report)).status).toBe(204);
  expect(world.violations).toEqual([
    { registration: 'fintech/finance-agent', increments: [{ ...violation, calls: 3 }] },
  ]);
  const lower = await post('/v1/reports', { ...report, violations: [{ ...violation, calls: 2 }] });
  expect([lower.status, lower.code]).toEqual([409, 'AEGIS_SERVING_COUNTERS']);
  expect(world.log).toContain('AEGIS_SERVING_FORBIDDEN');
  expect(world.log).not.toContain(agentToken.split('.')[2]);
  expect(world.metrics.text()).toMatch(/aegis_operator_token_reviews_total\{result="accepted"\} [1-9]/);
});

test('a real gateway follows by long poll over TLS, and acknowledges', async () => {
  const tokenFile = join(world.folder, 'token');
  writeFileSync(tokenFile, agentToken);
  const target = { tokenFile, caFile: world.caFile };
  const publish = (sequence: number) => {
    const signed = sign({ sequence, tenant: TENANT, issuedAt: Date.now() - 5_000 });
    world.bundles.publish(TENANT, signed.manifest.etag, { 'finance-agent': sliceArchive(signed) });
    return signed.manifest.etag;
  };
  publish(1);
  const gateway = await startBundles({
    tenant: 'fintech',
    agentId: 'finance-agent',
    keyFiles: [writeKeys(world.folder)],
    sources: [{ kind: 'http', url: world.url + PATH, ...target }],
    acknowledge: { url: `${world.url}/v1/acknowledgements`, instance: agentUid, ...target },
    activations: new Activations(),
    crypto: nodeCrypto,
  });
  try {
    const acknowledged = (sequence: number) => world.gateways.acknowledged(TENANT, 'finance-agent', sequence) === 1;
    await until(() => acknowledged(1), 'the first acknowledgement');
    await until(() => world.api.waiting === 1, 'the long poll');
    const started = performance.now();
    publish(2);
    await until(() => acknowledged(2), 'the second acknowledgement');
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(gateway.status().active?.sequence).toBe(2);
    expect(gateway.acknowledgeError()).toBeUndefined();
  } finally {
    await gateway.close();
  }
});

test('a real gateway’s reports are counted, and its refusals told', async () => {
  const tokenFile = join(world.folder, 'report-token');
  writeFileSync(tokenFile, agentToken);
  const counts = newCounts({ now: Date.now });
  const reporter = new Reporter({
    counts,
    url: `${world.url}/v1/reports`,
    tokenFile,
    caFile: world.caFile,
    instance: agentUid,
    clock: systemClock,
    random: Math.random,
    interval: 100,
    soon: 50,
  });
  const stop = new AbortController();
  const running = reporter.run(stop.signal);
  const sums = () => world.reports.sums(TENANT, POLICY).get(REVISION);
  try {
    world.violations.length = 0;
    for (let call = 0; call < 300; call++) counts.decided(refused({}, `rule-${call}`), INFO);
    counts.decided(compared('allow', 'deny'), INFO);
    counts.decided(compared('allow', 'allow'), INFO);
    await until(() => sums()?.decisions === 2 && !counts.hasUntold(), 'the report');
    expect(sums()).toMatchObject({ agents: 1, wouldDeny: 1, wouldAllow: 0 });
    counts.decided(compared('deny', 'allow'), INFO);
    await until(() => sums()?.wouldAllow === 1, 'the next report');
    const told = world.violations.flatMap(({ increments }) => increments);
    expect(told.reduce((sum, { calls }) => sum + calls, 0)).toBe(300);
    expect(JSON.stringify(told)).not.toContain('4711');
  } finally {
    stop.abort();
    await running;
    await reporter.close(100);
  }
});

describe('between replicas', () => {
  const acknowledgement = {
    version: 1 as const,
    instance: 'i',
    tenant: TENANT,
    state: 'active' as const,
    sequence: 99,
    digest: 'ab'.repeat(32),
  };

  const operatorToken = async (name = OPERATOR.name, audience = 'aegis.dev/operator') =>
    world.token(OPERATOR.namespace, name, { audience });

  async function send(token: string, options: { serverName?: string; ca?: string } = {}): Promise<string> {
    const tokenFile = join(world.folder, 'relay-token');
    writeFileSync(tokenFile, `${token}\n`);
    const { serverName = 'localhost', ca = world.authority.ca } = options;
    const client = new RelayClient({ tokenFile, ca: () => ca, serverName });
    try {
      const signal = AbortSignal.timeout(5_000);
      await client.send(`127.0.0.1:${world.port}`, { version: 1, items: [] }, signal);
      return 'taken';
    } catch (error) {
      return (error as Error).message.replace(/^127\.0\.0\.1:[0-9]+ /, '');
    } finally {
      await client.close();
    }
  }

  test('only replicas of the operator are heard, and only by the leader', async () => {
    expect(await send(await operatorToken())).toBe('taken');
    expect(await send(await operatorToken('somebody'))).toBe('answered with status 403');
    expect(await send(await operatorToken(OPERATOR.name, 'aegis.dev'))).toBe('answered with status 401');
    expect(await send(agentToken)).toBe('answered with status 401');
    world.leads = false;
    expect(await send(await operatorToken())).toBe('answered with status 503');
    world.leads = true;
  });

  test('the leader must show a certificate of the operator for its name', async () => {
    const token = await operatorToken();
    expect(await send(token, { serverName: 'other' })).toBe('cannot be told (ERR_TLS_CERT_ALTNAME_INVALID)');
    const { ca } = createAuthority();
    expect(await send(token, { ca })).toMatch(/^cannot be told \([A-Z_]*(SIGNATURE|ISSUER|CERT)[A-Z_]*\)$/);
  });

  test('what a follower is told by a gateway is with the leader in a moment', async () => {
    const follower = await ServingWorld.open(server, world.authority);
    const stop = new AbortController();
    const tokenFile = join(world.folder, 'relay-token');
    writeFileSync(tokenFile, await operatorToken());
    const client = new RelayClient({ tokenFile, ca: () => world.authority.ca, serverName: 'localhost' });
    const relay = new Relay({
      gateways: follower.gateways,
      reports: follower.reports,
      leader: () => ({ self: false, term: '1', address: `127.0.0.1:${world.port}` }),
      send: (address, batch, signal) => client.send(address, batch, signal),
      clock: systemClock,
      random: Math.random,
    });
    const running = relay.run(stop.signal);
    try {
      const { status } = await follower.ask('POST', '/v1/acknowledgements', {
        token: agentToken,
        body: acknowledgement,
      });
      expect(status).toBe(204);
      await until(() => world.gateways.acknowledged(TENANT, 'finance-agent', 99) === 1, 'the relay', 2_000);
    } finally {
      stop.abort();
      await running;
      await client.close();
      await follower.close();
    }
  });
});

// the last one: it takes the API server away
test('while the API server is away, who was verified is served on, and nobody new is', async () => {
  const fresh = await started('fresh', 'finance-agent', 'finance-agent');
  expect(await outcome(agentToken)).toEqual([200, undefined]);
  await server.killServer();
  expect(await outcome(agentToken)).toEqual([200, undefined]);
  const refused = await world.ask('GET', PATH, { token: fresh.token });
  expect([refused.status, refused.headers['retry-after'], refused.code]).toEqual([
    503,
    '5',
    'AEGIS_SERVING_UNAVAILABLE',
  ]);
  await server.startServer();
  for (let attempt = 0; (await outcome(fresh.token))[0] !== 200; attempt++) {
    expect(attempt).toBeLessThan(100);
    await sleep(100);
  }
});
