import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { CallCounts } from '../../../gateway/reports/call-counts.ts';
import { Reporter, type ReporterOptions } from '../../../gateway/reports/reporter.ts';
import type { GatewayReport } from '../../../policy/wire/gateway-report.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { codeOf, temporaryFolder } from '../bundles/publisher.ts';
import { until } from '../telemetry/decisions.ts';
import { compared, INFO, newCounts, POLICY, REVISION, refused } from './counts.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const work of cleanUp.splice(0).reverse()) await work();
});

interface Received {
  report: GatewayReport;
  at: number;
  headers: IncomingMessage['headers'];
}

/** Answers of the operator, and what it was told; without an answer of its own 204. */
async function operator(answer?: (res: ServerResponse, count: number) => boolean) {
  const received: Received[] = [];
  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) body += chunk;
    received.push({ report: JSON.parse(body) as GatewayReport, at: performance.now(), headers: req.headers });
    if (answer?.(res, received.length) !== true) res.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/reports` };
}

function start(url: string, options: Partial<ReporterOptions> = {}) {
  const counts = options.counts ?? newCounts();
  const results: (string | undefined)[] = [];
  const reporter = new Reporter({
    url,
    counts,
    instance: 'pod-1',
    clock: systemClock,
    random: () => 0.5,
    interval: 200,
    soon: 60,
    timeout: 300,
    backoff: { base: 100, cap: 200 },
    onResult: (error) => results.push(error?.code),
    ...options,
  });
  const stopping = new AbortController();
  const running = reporter.run(stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  cleanUp.push(async () => {
    await stop();
    await reporter.close(0);
  });
  return { counts, reporter, results, stop };
}

function call(counts: CallCounts, ...decisions: Parameters<CallCounts['decided']>[0][]): void {
  for (const decision of decisions) counts.decided(decision, INFO);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('nothing to tell: silence; then the counts, whole and as they are', async () => {
  const { received, url } = await operator();
  const { counts } = start(url);
  await pause(500);
  expect(received).toEqual([]);
  call(counts, compared('allow', 'allow'), compared('allow', 'allow'));
  await until(() => received.length === 1);
  expect(received[0]?.report).toEqual({
    version: 1,
    instance: 'pod-1',
    boot: 'boot-0001',
    since: '2026-03-01T00:00:00.000Z',
    candidates: [
      { policy: POLICY, revision: REVISION, calls: 2, wouldDeny: 0, wouldAllow: 0, otherwise: 0, errors: 0 },
    ],
    violations: [],
    overflow: 0,
  });
  call(counts, compared('allow', 'allow'));
  await until(() => received.length === 2);
  expect(received[1]?.report.candidates).toMatchObject([{ calls: 3 }]);
  await pause(500);
  expect(received).toHaveLength(2);
});

test('the first difference and the first refusal are told soon, with what comes right after', async () => {
  const { received, url } = await operator();
  const { counts } = start(url, { interval: 60_000 });
  await pause(50);
  const began = performance.now();
  call(counts, compared('allow', 'deny'));
  await pause(20);
  call(counts, refused());
  await until(() => received.length === 1);
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(received[0]?.report).toMatchObject({ candidates: [{ wouldDeny: 1 }], violations: [{ calls: 1 }] });
  call(counts, compared('allow', 'deny'), refused());
  await pause(300);
  expect(received).toHaveLength(1);
  call(counts, refused({}, 'another'));
  await until(() => received.length === 2);
  expect(received[1]?.report).toMatchObject({
    candidates: [{ wouldDeny: 2 }],
    violations: [{ calls: 2 }, { calls: 1 }],
  });
});

test('more than one report holds is told in several', async () => {
  const { received, url } = await operator();
  const { counts } = start(url);
  for (let i = 0; i < 300; i++) call(counts, compared('allow', 'allow', `fintech/p-${i}`));
  await until(() => received.length === 2);
  const policies = received.flatMap(({ report }) => report.candidates.map(({ policy }) => policy));
  expect(new Set(policies).size).toBe(300);
});

test('under load it keeps its pace', async () => {
  const { received, url } = await operator();
  const { counts } = start(url);
  const load = setInterval(() => call(counts, compared('allow', 'deny'), refused()), 1);
  await pause(1_500);
  clearInterval(load);
  expect(received.length).toBeGreaterThan(2);
  expect(received.length).toBeLessThan(12);
});

test('tries again until it is accepted, with the latest counts only', async () => {
  const statuses = [503, 404, 307];
  const { received, url } = await operator((res) => {
    const status = statuses.shift();
    return status !== undefined && Boolean(res.writeHead(status, { Location: '/elsewhere' }).end());
  });
  const { counts, results } = start(url);
  call(counts, compared('allow', 'allow'));
  await until(() => received.length === 1);
  call(counts, compared('allow', 'allow'));
  await until(() => received.length === 4 && results.length === 4);
  expect(results).toEqual(['AEGIS_GATEWAY_REPORT', 'AEGIS_GATEWAY_REPORT', 'AEGIS_GATEWAY_REPORT', undefined]);
  expect(received[3]?.report.candidates).toMatchObject([{ calls: 2 }]);
  await pause(400);
  expect(received).toHaveLength(4);
});

test('keeps the rest that the server asks for, whatever happens meanwhile', async () => {
  const { received, url } = await operator(
    (res, count) => count === 1 && Boolean(res.writeHead(429, { 'Retry-After': '1' }).end()),
  );
  const { counts } = start(url);
  call(counts, refused());
  await until(() => received.length === 1);
  call(counts, refused({}, 'another'));
  await until(() => received.length === 2);
  expect((received[1]?.at ?? 0) - (received[0]?.at ?? 0)).toBeGreaterThanOrEqual(990);
});

test('a server that hangs, or is not there, holds nothing up', async () => {
  const { received, url } = await operator((_, count) => count === 1);
  const { counts, results } = start(url);
  call(counts, refused());
  await until(() => results.includes('AEGIS_GATEWAY_REPORT'));
  await until(() => received.length === 2);
  const nobody = start('http://127.0.0.1:1/v1/reports');
  call(nobody.counts, refused());
  await until(() => nobody.results.includes('AEGIS_GATEWAY_REPORT'));
});

test('a server that forgot is told everything again', async () => {
  const { received, url } = await operator();
  const { counts } = start(url, { interval: 60, refresh: 300 });
  call(counts, compared('allow', 'allow'));
  await until(() => received.length >= 3);
  expect(received.at(-1)?.report.candidates).toMatchObject([{ calls: 1 }]);
});

test('at the end it tells the rest, once and not for long', async () => {
  const { received, url } = await operator();
  const { counts, reporter, stop } = start(url, { interval: 60_000 });
  call(counts, compared('allow', 'allow'));
  await stop();
  await reporter.close(500);
  expect(received).toHaveLength(1);
  const deaf = await operator(() => true);
  const other = start(deaf.url, { interval: 60_000, timeout: 10_000 });
  call(other.counts, compared('allow', 'allow'));
  await other.stop();
  const began = performance.now();
  await other.reporter.close(100);
  expect(performance.now() - began).toBeLessThan(2_000);
});

test('carries the token, and never in the clear to another machine', async () => {
  const folder = temporaryFolder();
  cleanUp.push(folder.remove);
  const tokenFile = join(folder.path, 'token');
  writeFileSync(tokenFile, 'a.b.c');
  const { received, url } = await operator();
  const { counts } = start(url, { tokenFile });
  call(counts, refused());
  await until(() => received.length === 1);
  expect(received[0]?.headers.authorization).toBe('Bearer a.b.c');
  expect(await codeOf(async () => start('http://operator/v1/reports', { tokenFile }))).toBe('AEGIS_BUNDLE_INSECURE');
});
