import { KubeError } from '../../../operator/kube/kube-error.ts';
import { Authenticator } from '../../../operator/serving/authenticate.ts';
import type { TenantDirectory } from '../../../operator/serving/tenant-directory.ts';
import type { PodObject, PodView } from '../../../operator/workloads/pod-view.ts';
import { viewOfPod } from '../../../operator/workloads/pod-view.ts';
import { AegisError } from '../../../policy/errors.ts';
import { FakeClock } from '../../gateway/bundles/fake-clock.ts';
import { registrationOf } from './registration-of.ts';

const NOW = Date.parse('2026-11-22T08:00:00Z');
const TENANT = { name: 'n', uid: 'tenant' };
const MINUTE = 60_000;

function tokenOf(name: string, { aud = ['aegis.dev'] as unknown, lifetime = 600 as unknown } = {}): string {
  const exp = typeof lifetime === 'number' ? NOW / 1000 + lifetime : lifetime;
  const payload = Buffer.from(JSON.stringify({ sub: name, aud, exp })).toString('base64url');
  return `e30.${payload}.c2lnbmF0dXJl`;
}

const podOf = (uid: string, extra: Partial<PodObject> = {}): PodObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'n', uid, labels: { app: 'a' } },
  spec: { serviceAccountName: 'agent' },
  status: { phase: 'Running' },
  ...extra,
});

function open() {
  const clock = new FakeClock(NOW);
  const world = {
    clock,
    /** What the API server does; throws where it is away. */
    down: undefined as KubeError | undefined,
    audiences: ['aegis.dev'] as string[] | undefined,
    authenticated: true,
    extra: { 'pod-name': ['p'], 'pod-uid': ['u'] } as Record<string, string[]>,
    username: 'system:serviceaccount:n:agent',
    held: undefined as Promise<void> | undefined,
    reviews: 0,
    gets: 0,
    atOnce: 0,
    most: 0,
    indexed: new Map<string, PodView>([['u', viewOfPod(podOf('u'))]]),
    stored: podOf('u') as PodObject | undefined,
    known: true,
    registrations: [registrationOf('n', 'agent', 'a')],
    directory: {
      ready: true,
      tenantOf: () => TENANT,
      registration: (): { agentId: string; tenant: typeof TENANT } | undefined => ({
        agentId: 'agent',
        tenant: TENANT,
      }),
      tombstones: () => [],
    } satisfies TenantDirectory as TenantDirectory,
    authenticate: (token: string, address = 'here') =>
      authenticator.authenticate({ authorization: `Bearer ${token}`, address }),
    code: async (token: string, address?: string): Promise<string> => {
      try {
        return (await world.authenticate(token, address)).agentId;
      } catch (error) {
        if (error instanceof AegisError) return error.code;
        throw error;
      }
    },
  };
  const authenticator = new Authenticator({
    clock,
    concurrency: 4,
    client: {
      async post<T>(path: string): Promise<T> {
        expect(path).toBe('/apis/authentication.k8s.io/v1/tokenreviews');
        world.reviews++;
        world.most = Math.max(world.most, ++world.atOnce);
        await world.held;
        world.atOnce--;
        if (world.down !== undefined) throw world.down;
        const extra = Object.fromEntries(
          Object.entries(world.extra).map(([name, values]) => [`authentication.kubernetes.io/${name}`, values]),
        );
        const { authenticated, audiences, username } = world;
        return { status: { authenticated, audiences, user: { username, extra } } } as T;
      },
      async get<T>(): Promise<T | undefined> {
        world.gets++;
        if (world.down !== undefined) throw world.down;
        return world.stored as T | undefined;
      },
    },
    pods: {
      podByUid: (_namespace, _name, uid) => world.indexed.get(uid),
      knows: () => world.known,
      knowsRegistrations: true,
      registrationsIn: () => world.registrations,
    },
    get directory() {
      return world.directory;
    },
  });
  return world;
}

describe('a token', () => {
  test('is asked about once a minute, however often it comes', async () => {
    const world = open();
    const token = tokenOf('a');
    await Promise.all([world.authenticate(token), world.authenticate(token)]);
    await world.clock.advance(59_000);
    await world.authenticate(token);
    expect(world.reviews).toBe(1);
    await world.clock.advance(1_000);
    await world.authenticate(token);
    expect(world.reviews).toBe(2);
  });

  test('is asked about again when it says that it has ended', async () => {
    const world = open();
    const token = tokenOf('a', { lifetime: 10 });
    await world.authenticate(token);
    await world.clock.advance(10_000);
    world.authenticated = false;
    expect(await world.code(token)).toBe('AEGIS_SERVING_TOKEN');
  });

  test('that is refused is not asked about for five seconds', async () => {
    const world = open();
    world.authenticated = false;
    const token = tokenOf('a');
    expect([await world.code(token), await world.code(token)]).toEqual(['AEGIS_SERVING_TOKEN', 'AEGIS_SERVING_TOKEN']);
    expect(world.reviews).toBe(1);
    world.authenticated = true;
    await world.clock.advance(5_000);
    expect(await world.code(token)).toBe('agent');
  });

  test('that does not even claim to be for us costs the API server nothing', async () => {
    const world = open();
    for (const token of [
      'opaque',
      'a.b.c',
      `x.${Buffer.from('null').toString('base64url')}.x`,
      tokenOf('a', { aud: 'kubernetes' }),
      tokenOf('a', { aud: ['x'] }),
      tokenOf('a', { aud: 7 }),
    ]) {
      expect(await world.code(token)).toBe('AEGIS_SERVING_TOKEN');
    }
    expect(world.reviews).toBe(0);
    expect(await world.code(tokenOf('b', { aud: 'aegis.dev' }))).toBe('agent');
  });

  test('counts only where the API server has checked the audience', async () => {
    const world = open();
    world.audiences = undefined;
    expect(await world.code(tokenOf('a'))).toBe('AEGIS_SERVING_TOKEN');
    world.audiences = ['https://kubernetes.default.svc'];
    expect(await world.code(tokenOf('b'))).toBe('AEGIS_SERVING_TOKEN');
  });

  test.each([
    ['no pod', {}],
    ['a name only', { 'pod-name': ['p'] }],
    ['two pods', { 'pod-name': ['p'], 'pod-uid': ['u', 'v'] }],
    ['an empty uid', { 'pod-name': ['p'], 'pod-uid': [''] }],
  ])('must be bound to one pod, not to %s', async (_, extra) => {
    const world = open();
    world.extra = extra as Record<string, string[]>;
    expect(await world.code(tokenOf('a'))).toBe('AEGIS_SERVING_TOKEN_UNBOUND');
  });

  test('of a person or a node is no agent’s', async () => {
    const world = open();
    for (const username of ['admin', 'system:node:n', 'system:serviceaccount:n', 'system:serviceaccount:n:a:b']) {
      world.username = username;
      expect(await world.code(tokenOf(username))).toBe('AEGIS_SERVING_TOKEN_UNBOUND');
    }
  });

  test('must be of the ServiceAccount and the node of its pod', async () => {
    const world = open();
    world.username = 'system:serviceaccount:n:other';
    expect(await world.code(tokenOf('a'))).toBe('AEGIS_SERVING_POD');
    world.username = 'system:serviceaccount:n:agent';
    world.extra = { ...world.extra, 'node-name': ['elsewhere'] };
    expect(await world.code(tokenOf('b'))).toBe('AEGIS_SERVING_POD');
  });
});

describe('while the API server is away', () => {
  const away = new KubeError(0, 'ECONNREFUSED', 'away');

  test('who was verified goes on for five minutes, nobody new does', async () => {
    const world = open();
    const token = tokenOf('a');
    await world.authenticate(token);
    world.down = away;
    for (let minute = 0; minute < 4; minute++) {
      await world.clock.advance(MINUTE);
      expect(await world.code(token)).toBe('agent');
      expect(await world.code(tokenOf('new'))).toBe('AEGIS_SERVING_UNAVAILABLE');
    }
    await world.clock.advance(MINUTE);
    expect(await world.code(token)).toBe('AEGIS_SERVING_UNAVAILABLE');
    world.down = undefined;
    expect(await world.code(token)).toBe('agent');
  });

  test('but not beyond the end of the token, and not with one that does not say its end', async () => {
    const world = open();
    const [short, endless] = [tokenOf('a', { lifetime: 90 }), tokenOf('b', { lifetime: 'never' })];
    await world.authenticate(short);
    await world.authenticate(endless);
    world.down = new KubeError(503, 'ServiceUnavailable', 'busy');
    await world.clock.advance(MINUTE);
    expect([await world.code(short), await world.code(endless)]).toEqual(['agent', 'AEGIS_SERVING_UNAVAILABLE']);
    await world.clock.advance(30_000);
    expect(await world.code(short)).toBe('AEGIS_SERVING_UNAVAILABLE');
  });

  test('the API server is asked every few seconds only', async () => {
    const world = open();
    const token = tokenOf('a');
    await world.authenticate(token);
    world.down = away;
    await world.clock.advance(MINUTE);
    for (let i = 0; i < 10; i++) await world.authenticate(token);
    expect(world.reviews).toBe(2);
    await world.clock.advance(5_000);
    await world.authenticate(token);
    expect(world.reviews).toBe(3);
  });

  test('a refusal that comes then ends it', async () => {
    const world = open();
    const token = tokenOf('a');
    await world.authenticate(token);
    await world.clock.advance(MINUTE);
    world.authenticated = false;
    expect(await world.code(token)).toBe('AEGIS_SERVING_TOKEN');
    world.down = away;
    await world.clock.advance(5_000);
    expect(await world.code(token)).toBe('AEGIS_SERVING_UNAVAILABLE');
  });
});

describe('a pod', () => {
  test('that the index does not know yet is looked up, and soon believed no more', async () => {
    const world = open();
    world.indexed.clear();
    const token = tokenOf('a');
    expect(await world.code(token)).toBe('agent');
    expect([await world.code(token), world.gets]).toEqual(['agent', 1]);
    world.stored = undefined;
    await world.clock.advance(1_000);
    expect(await world.code(token)).toBe('AEGIS_SERVING_POD');
  });

  test('of the same name with another uid is another one', async () => {
    const world = open();
    world.indexed.clear();
    world.stored = podOf('v');
    expect(await world.code(tokenOf('a'))).toBe('AEGIS_SERVING_POD');
  });

  test('of a namespace that nobody follows is asked about once a minute, and believed while nobody can be asked', async () => {
    const world = open();
    world.indexed.clear();
    world.known = false;
    const token = tokenOf('a');
    await world.authenticate(token);
    await world.clock.advance(50_000);
    await world.authenticate(token);
    expect(world.gets).toBe(1);
    world.down = new KubeError(0, 'ECONNREFUSED', 'away');
    await world.clock.advance(20_000);
    expect(await world.code(token)).toBe('agent');
    await world.clock.advance(5 * MINUTE);
    expect(await world.code(token)).toBe('AEGIS_SERVING_UNAVAILABLE');
  });

  test('that ends or has finished is nobody’s any more, at once', async () => {
    const world = open();
    const token = tokenOf('a');
    await world.authenticate(token);
    for (const change of [
      { status: { phase: 'Failed' } },
      { metadata: { ...podOf('u').metadata, deletionTimestamp: '2026-11-22T08:00:00Z' } },
    ]) {
      world.indexed.set('u', viewOfPod(podOf('u', change)));
      expect(await world.code(token)).toBe('AEGIS_SERVING_POD');
    }
    world.indexed.set('u', viewOfPod(podOf('u', { status: { phase: 'Pending' } })));
    expect(await world.code(token)).toBe('agent');
  });
});

describe('a registration', () => {
  test('that was never accepted, or of another tenant, gives nothing', async () => {
    const world = open();
    world.directory = { ...world.directory, registration: () => undefined };
    expect(await world.code(tokenOf('a'))).toBe('AEGIS_SERVING_UNREGISTERED');
    world.directory = {
      ...world.directory,
      registration: () => ({ agentId: 'agent', tenant: { name: 'n', uid: 'before' } }),
    };
    expect(await world.code(tokenOf('a'))).toBe('AEGIS_SERVING_UNREGISTERED');
  });

  test('that is there goes before one that was', async () => {
    const world = open();
    const gone = { agentId: 'gone', tenant: TENANT, registration: registrationOf('n', 'gone', 'a', 'agent') };
    world.directory = { ...world.directory, tombstones: () => [gone] };
    expect(await world.code(tokenOf('a'))).toBe('agent');
    world.registrations = [];
    expect(await world.authenticate(tokenOf('a'))).toMatchObject({
      agentId: 'gone',
      tombstoned: true,
      registration: 'n/gone',
    });
    world.directory = { ...world.directory, tombstones: () => [gone, { ...gone, agentId: 'other' }] };
    expect(await world.code(tokenOf('a'))).toBe('AEGIS_SERVING_AMBIGUOUS');
  });

  test('cannot be judged before all are known', async () => {
    const world = open();
    world.directory = { ...world.directory, ready: false };
    expect(await world.code(tokenOf('a'))).toBe('AEGIS_SERVING_NOT_READY');
    expect(world.reviews).toBe(0);
  });
});

describe('many requests', () => {
  test('reach the API server a few at a time', async () => {
    const world = open();
    let go = (): void => undefined;
    world.held = new Promise((resolve) => {
      go = resolve;
    });
    const all = Promise.all(Array.from({ length: 200 }, (_, i) => world.code(tokenOf(`t${i}`))));
    await new Promise(setImmediate);
    expect(world.atOnce).toBe(4);
    go();
    expect(new Set(await all)).toEqual(new Set(['agent']));
    expect(world.most).toBe(4);
  });

  test('with refused tokens are bounded per address; known tokens pass all the same', async () => {
    const world = open();
    const good = tokenOf('good');
    await world.authenticate(good);
    world.authenticated = false;
    const codes: string[] = [];
    for (let i = 0; i < 60; i++) codes.push(await world.code(tokenOf(`bad${i}`), 'there'));
    expect(codes.filter((code) => code === 'AEGIS_SERVING_TOKEN')).toHaveLength(50);
    expect(world.reviews).toBe(51);
    expect(await world.code(good, 'there')).toBe('agent');
    expect(await world.code(tokenOf('elsewhere'), 'elsewhere')).toBe('AEGIS_SERVING_TOKEN');
    await world.clock.advance(1_000);
    expect(await world.code(tokenOf('later'), 'there')).toBe('AEGIS_SERVING_TOKEN');
  });
});
