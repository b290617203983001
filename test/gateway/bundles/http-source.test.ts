import { writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Activations } from '../../../gateway/activation/activations.ts';
import { BundleUpdater } from '../../../gateway/bundles/bundle-updater.ts';
import { type HttpSourceOptions, httpSource } from '../../../gateway/bundles/http-source.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { BundleServer } from '../../support/bundle-server.ts';
import { createAuthority } from '../upstream/support/certificates.ts';
import { AGENT, codeOf, RING, renew, sign, sliceArchive, TENANT, temporaryFolder, until } from './publisher.ts';

const now = Date.now();
const PATH = '/bundles/fintech/finance-agent';
const bundle = (sequence: number) => sign({ sequence, issuedAt: now - 5_000 });

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work();
});

async function serve(tls?: ConstructorParameters<typeof BundleServer>[0]): Promise<BundleServer> {
  const server = new BundleServer(tls);
  await server.start();
  cleanUp.push(() => server.stop());
  return server;
}

function follow(url: string, options: Partial<HttpSourceOptions> = {}) {
  const updater = new BundleUpdater({
    activations: new Activations(),
    tenant: TENANT,
    agentId: AGENT,
    trustedKeys: async () => ({ ring: RING }),
    crypto: nodeCrypto,
    clock: systemClock,
    random: () => 0,
  });
  const source = httpSource({
    url: url + PATH,
    clock: systemClock,
    random: () => 0,
    maxBytes: 1024 * 1024,
    waitSeconds: 20,
    pollInterval: 50,
    headersTimeout: 300,
    bodyTimeout: 500,
    backoff: { base: 100, cap: 400 },
    ...options,
  });
  const stopping = new AbortController();
  const running = source.run(updater.connect(source), stopping.signal);
  cleanUp.push(async () => {
    stopping.abort();
    await running;
    await updater.stop();
  });
  return {
    updater,
    sequence: () => updater.status().active?.sequence,
    error: () => updater.status().sources[0]?.lastError?.code,
    source,
  };
}

function publish(server: BundleServer, signed: ReturnType<typeof sign>): void {
  server.service.publish(PATH, sliceArchive(signed), signed.manifest.etag);
}

const requests = (server: BundleServer) => server.service.requests.filter(({ path }) => path === PATH);

describe('a server that knows long polls', () => {
  test('is asked once per change, and its answer arrives at once', async () => {
    const server = await serve();
    publish(server, bundle(1));
    const { sequence, updater } = follow(server.url);
    await until(() => sequence() === 1);
    await until(() => requests(server).length === 2, 'the long poll');
    expect(requests(server)[1]?.headers).toMatchObject({
      prefer: 'modes=snapshot;wait=20',
      'if-none-match': `"${bundle(1).manifest.etag}"`,
    });
    const started = Date.now();
    publish(server, bundle(2));
    await until(() => sequence() === 2);
    expect(Date.now() - started).toBeLessThan(1_000);
    publish(server, renew(bundle(2), { issuedAt: now - 1_000 }));
    await until(() => updater.status().renewals === 1);
    expect(requests(server).length).toBeLessThanOrEqual(4);
  });

  test('may answer 304 when the time is over', async () => {
    const server = await serve();
    publish(server, bundle(1));
    const { sequence, updater } = follow(server.url, { waitSeconds: 1 });
    await until(() => requests(server).length >= 3, 'a second long poll');
    expect(sequence()).toBe(1);
    expect(updater.status().sources[0]?.lastError).toBeUndefined();
  });

  test('may be cut off and come back', async () => {
    const server = await serve();
    publish(server, bundle(1));
    const { sequence, error } = follow(server.url);
    await until(() => requests(server).length === 2);
    await server.stop();
    await until(() => error() === 'AEGIS_BUNDLE_FETCH');
    expect(sequence()).toBe(1);
    await server.start();
    publish(server, bundle(2));
    await until(() => sequence() === 2);
    expect(error()).toBeUndefined();
  });

  test('goes on being asked for changes where its first answer has come from the mounted copy meanwhile', async () => {
    const server = await serve();
    const signed = bundle(1);
    publish(server, signed);
    let answer: (() => void) | undefined;
    server.intercept = (_, res) => {
      if (answer !== undefined) return false;
      answer = () =>
        void res
          .writeHead(200, { 'Content-Type': 'application/vnd.openpolicyagent.bundles' })
          .end(sliceArchive(signed));
      return true;
    };
    const { updater, sequence } = follow(server.url, { pollInterval: 60_000, headersTimeout: 5_000 });
    await until(() => answer !== undefined, 'the first request');
    const copy = updater.connect({ kind: 'configMap', place: '/copy' });
    await copy.offer({ archive: sliceArchive(signed) });
    expect(sequence()).toBe(1);
    answer?.();
    await until(() => requests(server).length > 0, 'the long poll');
    publish(server, bundle(2));
    await until(() => sequence() === 2);
  });

  test('that answers "nothing new" at once, is not asked without rest', async () => {
    const server = await serve();
    publish(server, bundle(1));
    const { sequence } = follow(server.url, { pollInterval: 100 });
    await until(() => sequence() === 1);
    let asked = 0;
    server.intercept = (_, res) => {
      asked++;
      res.writeHead(304, { 'Content-Type': 'application/vnd.openpolicyagent.bundles' }).end();
      return true;
    };
    publish(server, bundle(1)); // ends the poll that is open
    await server.stop();
    await server.start();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(14);
  });
});

test('a plain file server is polled; its own entity tags are sent back', async () => {
  const server = await serve();
  const tags: (string | undefined)[] = [];
  server.intercept = (req, res) => {
    tags.push(req.headers['if-none-match']);
    const etag = 'W/"5f3-abc"';
    if (req.headers['if-none-match'] === etag) res.writeHead(304).end();
    else res.writeHead(200, { 'Content-Type': 'application/gzip', ETag: etag }).end(sliceArchive(bundle(1)));
    return true;
  };
  const { sequence } = follow(server.url, { pollInterval: 30 });
  await until(() => tags.length >= 4);
  expect(sequence()).toBe(1);
  expect(tags.slice(0, 3)).toEqual([undefined, 'W/"5f3-abc"', 'W/"5f3-abc"']);
});

test('what was damaged on the way is fetched again, although its entity tag is the right one', async () => {
  const server = await serve();
  publish(server, bundle(1));
  let damaged = 0;
  server.intercept = (_, res) => {
    if (damaged++ >= 2) return false;
    const headers = { ETag: `"${bundle(1).manifest.etag}"`, 'Content-Type': 'application/gzip' };
    res.writeHead(200, headers).end(sliceArchive(bundle(1)).subarray(0, 9_000));
    return true;
  };
  const { sequence, updater } = follow(server.url);
  await until(() => sequence() === 1);
  expect(updater.status().refusals).toEqual({ AEGIS_BUNDLE_TRUNCATED: 1 });
});

describe('a server in trouble', () => {
  test.each([
    [404, 'AEGIS_BUNDLE_NOT_FOUND'],
    [401, 'AEGIS_BUNDLE_UNAUTHORIZED'],
    [403, 'AEGIS_BUNDLE_UNAUTHORIZED'],
    [500, 'AEGIS_BUNDLE_FETCH_STATUS'],
    [204, 'AEGIS_BUNDLE_FETCH_STATUS'],
    [206, 'AEGIS_BUNDLE_FETCH_STATUS'],
  ])('status %d', async (status, code) => {
    const server = await serve();
    server.intercept = (_, res) => Boolean(res.writeHead(status).end());
    const { error, sequence } = follow(server.url);
    await until(() => error() === code);
    expect(sequence()).toBeUndefined();
    server.intercept = undefined;
    publish(server, bundle(1));
    await until(() => sequence() === 1);
  });

  test.each([301, 302, 307, 308])('redirects (%d) are not followed', async (status) => {
    const other = await serve();
    publish(other, bundle(1));
    const server = await serve();
    server.intercept = (_, res) => Boolean(res.writeHead(status, { Location: other.url + PATH }).end());
    const { error } = follow(server.url);
    await until(() => error() === 'AEGIS_BUNDLE_REDIRECT');
    expect(requests(other)).toEqual([]);
  });

  test('Retry-After is kept', async () => {
    const server = await serve();
    const at: number[] = [];
    server.intercept = (_, res) => {
      at.push(performance.now());
      return Boolean(res.writeHead(503, { 'Retry-After': '1' }).end());
    };
    follow(server.url);
    await until(() => at.length === 2);
    expect((at[1] as number) - (at[0] as number)).toBeGreaterThanOrEqual(990);
  });

  test('a body that trickles is cut off', async () => {
    const server = await serve();
    let open = 0;
    server.intercept = (_, res) => {
      open++;
      res.writeHead(200, { 'Content-Type': 'application/gzip' });
      const timer = setInterval(() => res.write('x'), 20);
      res.on('close', () => {
        clearInterval(timer);
        open--;
      });
      return true;
    };
    const { error } = follow(server.url);
    await until(() => error() === 'AEGIS_BUNDLE_FETCH_TIMEOUT');
    await until(() => open === 0, 'the end of the connection');
  });

  test.each([
    ['announced', { 'Content-Length': '4000000' }],
    ['not announced', {}],
  ])('an endless body, its length %s, is cut off at the limit', async (_, headers) => {
    const server = await serve();
    let sent = 0;
    server.intercept = (__, res) => {
      res.writeHead(200, { 'Content-Type': 'application/gzip', ...headers });
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      res.on('drain', more);
      more();
      return true;
    };
    const { updater } = follow(server.url, { bodyTimeout: 10_000 });
    await until(() => (updater.status().refusals.AEGIS_BUNDLE_TOO_LARGE ?? 0) > 0);
    expect(sent).toBeLessThan(20 * 1024 * 1024);
  });

  test('compression on top is refused', async () => {
    const server = await serve();
    server.intercept = (_, res) =>
      Boolean(res.writeHead(200, { 'Content-Encoding': 'gzip' }).end(sliceArchive(bundle(1))));
    const { error } = follow(server.url);
    await until(() => error() === 'AEGIS_BUNDLE_FETCH_STATUS');
  });

  test('a peer that accepts and is silent (half open) is given up, also in a long poll', async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => silent.listen(0, 'localhost', resolve));
    cleanUp.push(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as { port: number };
    const { error } = follow(`http://localhost:${port}`);
    await until(() => error() === 'AEGIS_BUNDLE_FETCH_TIMEOUT');

    const server = await serve();
    publish(server, bundle(1));
    const polled = follow(server.url, { waitSeconds: 1 });
    await until(() => polled.sequence() === 1);
    await until(() => requests(server).length === 2);
    server.intercept = () => true;
    await until(() => polled.error() === 'AEGIS_BUNDLE_FETCH_TIMEOUT', 'the end of the long poll');
    server.intercept = undefined;
    publish(server, bundle(2));
    await until(() => polled.sequence() === 2);
  });

  test('a connection that breaks in the middle of a body brings nothing into force', async () => {
    const server = await serve();
    publish(server, bundle(1));
    let broken = 0;
    server.intercept = (_, res) => {
      if (broken++ > 0) return false;
      const archive = sliceArchive(bundle(1));
      res.writeHead(200, { 'Content-Length': String(archive.length) });
      res.write(archive.subarray(0, 1_000));
      setTimeout(() => res.destroy(), 20);
      return true;
    };
    const { sequence, updater } = follow(server.url);
    await until(() => sequence() === 1);
    expect(updater.status().failures).toEqual({ AEGIS_BUNDLE_FETCH: 1 });
  });

  test('an address where nobody listens', async () => {
    const server = await serve();
    await server.stop();
    const { error } = follow(server.url);
    await until(() => error() === 'AEGIS_BUNDLE_FETCH');
  });
});

describe('the token', () => {
  test('is read again at every request', async () => {
    const folder = temporaryFolder();
    cleanUp.push(folder.remove);
    const tokenFile = join(folder.path, 'token');
    const server = await serve();
    server.service.token = 'second.token';
    publish(server, bundle(1));
    const { error, sequence } = follow(server.url, { tokenFile });
    await until(() => error() === 'AEGIS_BUNDLE_TOKEN');
    writeFileSync(tokenFile, 'two\nlines');
    await until(() => requests(server).length === 0 && error() === 'AEGIS_BUNDLE_TOKEN');
    writeFileSync(tokenFile, 'first.token\n');
    await until(() => error() === 'AEGIS_BUNDLE_UNAUTHORIZED');
    writeFileSync(tokenFile, 'second.token\n');
    await until(() => sequence() === 1);
  });

  test('is not sent in the clear to another machine', async () => {
    const options = { clock: systemClock, random: () => 0, maxBytes: 1, tokenFile: '/dev/null' };
    expect(await codeOf(() => httpSource({ ...options, url: 'http://operator.aegis-system/b' }))).toBe(
      'AEGIS_BUNDLE_INSECURE',
    );
    expect(await codeOf(() => httpSource({ ...options, url: 'https://operator.aegis-system/b' }))).toBe('none');
    expect(await codeOf(() => httpSource({ ...options, url: 'http://127.0.0.1:1/b' }))).toBe('none');
  });

  test('and what stands in the query is not shown', () => {
    const options = { clock: systemClock, random: () => 0, maxBytes: 1 };
    expect(httpSource({ ...options, url: 'https://host/b?secret=1' }).place).toBe('https://host/b');
  });
});

test('TLS: only the named authority is trusted, and a new one without a restart', async () => {
  const folder = temporaryFolder();
  cleanUp.push(folder.remove);
  const caFile = join(folder.path, 'ca.crt');
  const [mine, other] = [createAuthority(), createAuthority()];
  const server = await serve(mine.issue('localhost'));
  publish(server, bundle(1));
  writeFileSync(caFile, other.ca);
  const { error, sequence } = follow(server.url, { caFile, headersTimeout: 2_000 });
  await until(() => error() === 'AEGIS_BUNDLE_FETCH');
  expect(requests(server)).toEqual([]);
  writeFileSync(caFile, mine.ca);
  await until(() => sequence() === 1);
});

test('TLS: an authority that is given as text wins over any file', async () => {
  const folder = temporaryFolder();
  cleanUp.push(folder.remove);
  const caFile = join(folder.path, 'ca.crt');
  const [mine, other] = [createAuthority(), createAuthority()];
  writeFileSync(caFile, other.ca);
  const server = await serve(mine.issue('localhost'));
  publish(server, bundle(1));
  const { sequence } = follow(server.url, { ca: mine.ca, caFile, headersTimeout: 2_000 });
  await until(() => sequence() === 1);
  const { error } = follow(server.url, { ca: other.ca, headersTimeout: 2_000 });
  await until(() => error() === 'AEGIS_BUNDLE_FETCH');
});
