import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OtlpExporter, type OtlpExporterOptions } from '../../../gateway/telemetry/otlp-exporter.ts';
import { otlpPost, parseHeaders, tracesUrl } from '../../../gateway/telemetry/otlp-post.ts';
import { until } from './decisions.ts';

/** A collector over real HTTP that answers as it is told. */
class Collector {
  readonly requests: { url: string | undefined; headers: IncomingMessage['headers']; spans: { n: number }[] }[] = [];
  answer: (res: ServerResponse) => void = (res) => res.writeHead(200).end('{}');
  #server: Server | undefined;
  port = 0;

  async open(port = 0): Promise<this> {
    this.#server = createServer((req, res) => {
      let text = '';
      req.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      req.on('end', () => {
        const body = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: { n: number }[] }[] }[] };
        const spans = body.resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
        this.requests.push({ url: req.url, headers: req.headers, spans });
        this.answer(res);
      });
    }).listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  get received(): number[] {
    return this.requests.flatMap(({ spans }) => spans.map(({ n }) => n));
  }
}

let collector: Collector;
const opened: { close(): void }[] = [];
beforeEach(async () => {
  collector = await new Collector().open();
});
afterEach(async () => {
  for (const each of opened.splice(0)) each.close();
  await collector.close();
});

function exporterTo(port: number, options: Partial<OtlpExporterOptions> = {}, timeout = 2000): OtlpExporter {
  const { post, close } = otlpPost({ endpoint: new URL(`http://127.0.0.1:${port}`), timeout });
  opened.push({ close });
  const resource = { 'service.name': 'test' };
  return new OtlpExporter({ post, resource, version: '1', random: () => 0, delay: 20, ...options });
}
const add = (exporter: OtlpExporter, from: number, to: number): void => {
  for (let n = from; n < to; n++) exporter.add(JSON.stringify({ n }));
};
const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('spans arrive in batches, once, with the headers of the file', async () => {
  const exporter = exporterTo(collector.port, { batch: 100, headers: () => ({ Authorization: 'Bearer x' }) });
  add(exporter, 0, 250);
  await until(() => exporter.state.exported === 250);
  expect(collector.received).toEqual(numbers(0, 250));
  expect(collector.requests.map(({ spans }) => spans.length)).toEqual([100, 100, 50]);
  expect(collector.requests[0]?.url).toBe('/v1/traces');
  expect(collector.requests[0]?.headers).toMatchObject({
    authorization: 'Bearer x',
    'content-type': 'application/json',
  });
  add(exporter, 250, 251);
  await until(() => exporter.state.exported === 251);
  await exporter.close(100);
});

test('a collector that is down: spans wait, are bounded and counted, and arrive once it is up', async () => {
  const { port } = collector;
  await collector.close();
  const exporter = exporterTo(port, { maxQueue: 100, batch: 10 });
  add(exporter, 0, 150);
  expect(exporter.state).toMatchObject({ queued: 100, dropped: 50 });
  await until(() => exporter.state.state === 'failing');
  collector = await new Collector().open(port);
  await until(() => exporter.state.exported === 100);
  expect(collector.received).toEqual(numbers(0, 100));
  expect(exporter.state).toMatchObject({ state: 'ok', queued: 0, dropped: 50 });
});

test('a collector that never answers costs its timeout, not the caller', async () => {
  collector.answer = () => undefined;
  const exporter = exporterTo(collector.port, { batch: 1 }, 50);
  add(exporter, 0, 1000);
  await until(() => exporter.state.state === 'failing');
  await exporter.close(50);
  expect(exporter.state).toMatchObject({ queued: 0, exported: 0, dropped: 1000 });
});

test('429 and 503 are tried again, other refusals are not; partial success counts', async () => {
  const answers: ((res: ServerResponse) => void)[] = [
    (res) => res.writeHead(503, { 'Retry-After': '0' }).end(),
    (res) => res.writeHead(429).end(),
    (res) => res.writeHead(200).end('{}'),
    (res) => res.writeHead(400).end('bad'),
    (res) => res.writeHead(200).end('{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}'),
  ];
  collector.answer = (res) => answers.shift()?.(res);
  const exporter = exporterTo(collector.port, { batch: 3 });
  add(exporter, 0, 3);
  await until(() => exporter.state.exported === 3);
  add(exporter, 3, 6);
  await until(() => exporter.state.dropped === 3);
  add(exporter, 6, 9);
  await until(() => exporter.state.exported === 4);
  expect(exporter.state).toEqual({ state: 'ok', queued: 0, exported: 4, dropped: 5 });
  expect(collector.requests).toHaveLength(5);
});

test('the end sends what there is, and takes no more', async () => {
  const exporter = exporterTo(collector.port, { delay: 60_000, batch: 10 });
  add(exporter, 0, 25);
  await exporter.close(2000);
  expect(collector.received).toEqual(numbers(0, 25));
  add(exporter, 25, 26);
  expect(exporter.state).toMatchObject({ exported: 25, dropped: 1 });
});

test('the address of the collector, and the file of headers', () => {
  expect(tracesUrl(new URL('http://h:4318')).href).toBe('http://h:4318/v1/traces');
  expect(tracesUrl(new URL('http://h:4318/otlp/')).href).toBe('http://h:4318/otlp/v1/traces');
  expect(tracesUrl(new URL('http://h:4318/v1/traces')).href).toBe('http://h:4318/v1/traces');
  expect(parseHeaders('# comment\nAuthorization: Bearer a:b \r\n\nX-Scope:1\n')).toEqual({
    Authorization: 'Bearer a:b',
    'X-Scope': '1',
  });
  expect(parseHeaders('no header')).toBeUndefined();
  expect(parseHeaders('bad name: x')).toBeUndefined();
});
