import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { runInThisContext } from 'node:vm';
import { createKubeClient } from '../../../operator/kube/client.ts';
import type { KubeClient } from '../../../operator/kube/types.ts';
import { alternativeNames, caConstraints, issue, nameOf } from '../../../runtime/certificates/certificate.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { failure } from './failure.ts';
import { CONFIG_MAP, configMap } from './types.ts';

/** Says who it thinks it speaks to. */
interface Seen {
  authorization: string | undefined;
  certificate: string | undefined;
  agent: string | undefined;
  path: string | undefined;
}

const key = { namespace: 'default', name: 'it' };
const folder = mkdtempSync(join(tmpdir(), 'aegis-access-'));
const kubeconfig = join(folder, 'kubeconfig');
const authority = selfSigned('server');
const seen: Seen[] = [];
let status = 200;
let hold: ((response: ServerResponse) => void) | undefined;
let server: Server;
let url: string;
let ahead = 0;
const clients: KubeClient[] = [];

function selfSigned(name: string): { certificate: string; privateKey: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = issue(
    {
      serial: Buffer.from([1]),
      issuer: nameOf(name),
      subject: nameOf(name),
      notBefore: Date.now() - 60_000,
      notAfter: Date.now() + 3_600_000,
      publicKey,
      extensions: [caConstraints(), alternativeNames(['127.0.0.1', 'api.example'])],
    },
    privateKey,
  );
  return { certificate, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

beforeAll(async () => {
  const { certificate, privateKey } = authority;
  server = createServer({ cert: certificate, key: privateKey, requestCert: true, rejectUnauthorized: false });
  server.on('request', (request, response) => {
    seen.push({
      authorization: request.headers.authorization,
      certificate: (request.socket as TLSSocket).getPeerCertificate()?.subject?.CN as string | undefined,
      agent: request.headers['user-agent'],
      path: request.url,
    });
    const held = hold;
    hold = undefined;
    if (held !== undefined) held(response);
    else response.writeHead(status).end(JSON.stringify(configMap('it')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  seen.length = 0;
  status = 200;
  ahead = 0;
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

function newClient(options: { kubeconfig?: string; root?: string }): KubeClient {
  const clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead };
  const client = createKubeClient({ userAgent: 'kube-test', clock, ...options });
  clients.push(client);
  return client;
}

function write(user: object, cluster: object = {}): void {
  const ca = Buffer.from(authority.certificate).toString('base64');
  const config = {
    clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': ca, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
}

function clientCertificate(name: string): object {
  const { certificate, privateKey } = selfSigned(name);
  const text = (pem: string) => Buffer.from(pem).toString('base64');
  return { 'client-certificate-data': text(certificate), 'client-key-data': text(privateKey) };
}

/** The next request to the server, which the test answers. */
function heldAnswer(): Promise<ServerResponse> {
  return new Promise((resolve) => {
    hold = resolve;
  });
}

const last = () => seen.at(-1);

describe('a kubeconfig file', () => {
  test('a token, a path in front of all, and who we are', async () => {
    write({ token: 'abc' }, { server: `${url}/clusters/x/` });
    await newClient({ kubeconfig }).get(CONFIG_MAP, key);
    expect(last()).toMatchObject({
      authorization: 'Bearer abc',
      agent: 'kube-test',
      path: '/clusters/x/api/v1/namespaces/default/configmaps/it',
    });
  });

  test('a name and a password', async () => {
    write({ username: 'me', password: 'secret' });
    await newClient({ kubeconfig }).get(CONFIG_MAP, key);
    expect(last()?.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
  });

  test('what changes in the file counts without a restart, also a certificate', async () => {
    write(clientCertificate('first'));
    const client = newClient({ kubeconfig });
    await client.get(CONFIG_MAP, key);
    expect(last()?.certificate).toBe('first');
    write(clientCertificate('second'));
    await client.get(CONFIG_MAP, key);
    expect(last()?.certificate).toBe('first');
    ahead += 11_000;
    await client.get(CONFIG_MAP, key);
    expect(last()?.certificate).toBe('second');
  });

  test('what runs while a certificate changes goes on, and ends with the client', async () => {
    write(clientCertificate('first'));
    const client = newClient({ kubeconfig });
    const selection = { resourceVersion: '1', timeoutSeconds: 60 };
    const watch = client.watch(CONFIG_MAP, selection, new AbortController().signal)[Symbol.asyncIterator]();
    const answer = heldAnswer();
    const first = watch.next();
    const response = await answer;
    write(clientCertificate('second'));
    ahead += 11_000;
    await client.get(CONFIG_MAP, key);
    expect(last()?.certificate).toBe('second');
    response.write(`${JSON.stringify({ type: 'ADDED', object: configMap('it') })}\n`);
    expect((await first).value).toMatchObject({ type: 'ADDED' });
    const next = failure(watch.next());
    await client.close();
    expect((await next).status).toBe(0);
  });

  test('another name in the certificate of the server, where that is said', async () => {
    write({ token: 'abc' }, { 'tls-server-name': 'api.example' });
    await newClient({ kubeconfig }).get(CONFIG_MAP, key);
    write({ token: 'abc' }, { 'tls-server-name': 'other.example' });
    const error = await failure(newClient({ kubeconfig }).get(CONFIG_MAP, key));
    expect(error).toMatchObject({ status: 0, reason: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });

  test('a server of an authority that is not ours is sent nothing', async () => {
    const ca = Buffer.from(selfSigned('server').certificate).toString('base64');
    write({ token: 'abc' }, { 'certificate-authority-data': ca });
    expect((await failure(newClient({ kubeconfig }).get(CONFIG_MAP, key))).status).toBe(0);
    expect(seen).toHaveLength(0);
  });

  test.each([
    ['a token without TLS', { server: 'http://127.0.0.1:1' }],
    ['a proxy of a kind that is not known', { 'proxy-url': 'socks5://127.0.0.1:1' }],
    ['a server that is no address', { server: 'nowhere' }],
  ])('%s is refused', async (_, cluster) => {
    write({ token: 'abc' }, cluster);
    const error = await failure(newClient({ kubeconfig }).get(CONFIG_MAP, key));
    expect(error.status).toBe(0);
    expect(['Credentials', 'Proxy']).toContain(error.reason);
    expect(error.message).not.toContain('abc');
  });

  test('a file without a cluster, and none at all', async () => {
    writeFileSync(kubeconfig, '{}');
    const broken = join(folder, 'broken');
    writeFileSync(broken, 'users: [{name: u, user: {token: secret-token');
    for (const file of [kubeconfig, broken, join(folder, 'no-such-file')]) {
      const error = await failure(newClient({ kubeconfig: file }).get(CONFIG_MAP, key));
      expect(error).toMatchObject({ status: 0, reason: 'Credentials' });
      expect(error.message).not.toContain('secret');
    }
  });
});

describe('a program that gives credentials', () => {
  const count = join(folder, 'count');

  function writeProgram(token: string): void {
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } };
    const script = `echo x >> ${count}; echo '${JSON.stringify(credential)}'`;
    write({ exec: { apiVersion: credential.apiVersion, command: '/bin/sh', args: ['-c', script] } });
  }
  const runs = () => readFileSync(count, 'utf8').length / 2;
  beforeEach(() => rmSync(count, { force: true }));

  test('is asked once, and again when its answer is refused', async () => {
    writeProgram('from-program');
    const client = newClient({ kubeconfig });
    await client.get(CONFIG_MAP, key);
    ahead += 60_000;
    await client.get(CONFIG_MAP, key);
    expect([last()?.authorization, runs()]).toEqual(['Bearer from-program', 1]);
    status = 401;
    for (let i = 0; i < 5; i++) expect((await failure(client.get(CONFIG_MAP, key))).status).toBe(401);
    // not at each refusal, though
    expect(runs()).toBe(2);
    ahead += 11_000;
    for (let i = 0; i < 5; i++) await failure(client.get(CONFIG_MAP, key));
    expect(runs()).toBe(3);
  });

  test('may hang without hanging a call', async () => {
    write({ exec: { command: '/bin/sleep', args: ['1'] } });
    const error = await failure(newClient({ kubeconfig }).get(CONFIG_MAP, key, { timeout: 50 }));
    expect(error).toMatchObject({ status: 0, reason: 'Timeout' });
  });

  test('may fail', async () => {
    for (const args of [
      ['-c', 'echo secret-token >&2; exit 1'],
      ['-c', 'echo secret-token'],
    ]) {
      write({ exec: { command: '/bin/sh', args } });
      const error = await failure(newClient({ kubeconfig }).get(CONFIG_MAP, key));
      expect(error).toMatchObject({ status: 0, reason: 'Credentials' });
      expect(error.cause).toBeUndefined();
      expect(error.message).toContain('/bin/sh gives no credentials');
      expect(error.message).not.toContain('secret');
    }
  });
});

describe('inside a pod', () => {
  const files = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount');
  // the library, which jest does not load, sees the environment of the real process
  const environments = [process.env, (runInThisContext('process') as NodeJS.Process).env];
  beforeEach(() => {
    const { port } = new URL(url);
    for (const environment of environments) {
      Object.assign(environment, { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: port });
    }
    mkdirSync(files, { recursive: true });
    writeFileSync(join(files, 'ca.crt'), authority.certificate);
  });
  afterEach(() => {
    for (const environment of environments) {
      delete environment.KUBERNETES_SERVICE_HOST;
      delete environment.KUBERNETES_SERVICE_PORT;
    }
  });

  test('the token of the ServiceAccount is used, and the next one soon after it is there', async () => {
    writeFileSync(join(files, 'token'), 'first\n');
    const client = newClient({ root: folder });
    await client.get(CONFIG_MAP, key);
    expect(last()?.authorization).toBe('Bearer first');
    writeFileSync(join(files, 'token'), 'second');
    ahead += 11_000;
    await client.get(CONFIG_MAP, key);
    expect(last()?.authorization).toBe('Bearer second');
    // refused before its time
    writeFileSync(join(files, 'token'), 'third');
    status = 401;
    await failure(client.get(CONFIG_MAP, key));
    status = 200;
    await client.get(CONFIG_MAP, key);
    expect(last()?.authorization).toBe('Bearer third');
  });

  test('files that are gone for a moment do no harm; for long they do', async () => {
    writeFileSync(join(files, 'token'), 'first');
    const client = newClient({ root: folder });
    await client.get(CONFIG_MAP, key);
    rmSync(join(files, 'ca.crt'));
    ahead += 11_000;
    await client.get(CONFIG_MAP, key);
    expect(last()?.authorization).toBe('Bearer first');
    ahead += 61_000;
    expect((await failure(client.get(CONFIG_MAP, key))).reason).toBe('Credentials');
  });
});
