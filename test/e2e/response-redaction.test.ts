import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants, createGzip, gzipSync } from 'node:zlib';
import { request } from 'undici';
import { type GatewayProcess, startGateway } from '../support/gateway-process.ts';
import { Publisher } from '../support/publisher.ts';
import { edited, sampleSources } from '../support/sample.ts';

/** Responses of a tool through the real gateway: a card number never gets through, however it is cut. */

const CARD = '4242424242424242';
const JSON_BODY = JSON.stringify({ id: 'pi_1', note: `paid with ${CARD} today`, amount: 4999 });

type Behaviour = (res: ServerResponse) => void;

function inPieces(res: ServerResponse, pieces: readonly (string | Uint8Array)[], at = 0): void {
  if (at === pieces.length) {
    res.end();
    return;
  }
  res.write(pieces[at], () => setTimeout(() => inPieces(res, pieces, at + 1), 2));
}

function cut(text: string, position: number): string[] {
  return [text.slice(0, position), text.slice(position)];
}

const MIDDLE = JSON_BODY.indexOf(CARD) + 7;
const json = { 'Content-Type': 'application/json' };
const sse = { 'Content-Type': 'text/event-stream' };

/** gzip with a flush in the middle of the number, so that it lies in two blocks. */
function flushedGzip(res: ServerResponse): void {
  res.writeHead(200, { ...json, 'Content-Encoding': 'gzip' });
  const gzip = createGzip();
  gzip.pipe(res);
  const [first, second] = cut(JSON_BODY, MIDDLE);
  gzip.write(first);
  gzip.flush(constants.Z_FULL_FLUSH, () => setTimeout(() => gzip.end(second), 5));
}

const BEHAVIOURS: Record<string, Behaviour> = {
  plain: (res) => res.writeHead(200, { ...json, 'Content-Length': JSON_BODY.length }).end(JSON_BODY),
  chunks: (res) => inPieces(res.writeHead(200, json), cut(JSON_BODY, MIDDLE)),
  bytes: (res) => inPieces(res.writeHead(200, json), [...JSON_BODY]),
  'gzip-blocks': flushedGzip,
  gzip: (res) => res.writeHead(200, { ...json, 'Content-Encoding': 'gzip' }).end(gzipSync(JSON_BODY)),
  brotli: (res) => res.writeHead(200, { ...json, 'Content-Encoding': 'br' }).end(brotliCompressSync(JSON_BODY)),
  'gzip-cut': (res) => {
    const bytes = gzipSync(JSON_BODY);
    inPieces(res.writeHead(200, { ...json, 'Content-Encoding': 'gzip' }), [bytes.subarray(0, 30), bytes.subarray(30)]);
  },
  events: (res) =>
    inPieces(res.writeHead(200, sse), [`data: {"t":"card ${CARD.slice(0, 5)}`, `${CARD.slice(5)}"}\n\n`]),
  'events-apart': (res) => {
    const tokens = ['paid ', CARD.slice(0, 4), CARD.slice(4, 8), CARD.slice(8, 12), CARD.slice(12), ' today'];
    inPieces(
      res.writeHead(200, sse),
      tokens.map((token) => `data: {"delta":${JSON.stringify(token)}}\n\n`),
    );
  },
  'data-lines': (res) =>
    inPieces(res.writeHead(200, sse), [`data: card ${CARD.slice(0, 8)}\n`, `data: ${CARD.slice(8)}\n\n`]),
  text: (res) =>
    inPieces(res.writeHead(200, { 'Content-Type': 'text/plain' }), cut(`paid with 4242 4242 4242 4242 today`, 18)),
  escaped: (res) => res.writeHead(200, json).end(JSON_BODY.replace('4242', '\\u00342\\u00342')),
  form: (res) =>
    res.writeHead(200, { 'Content-Type': 'application/x-www-form-urlencoded' }).end(`note=card+${CARD}&a=1`),
};

/** Must be stopped, because they cannot be redacted for certain. */
const STOPPED: Record<string, Behaviour> = {
  image: (res) => res.writeHead(200, { 'Content-Type': 'image/png' }).end(CARD),
  'no-type': (res) => res.writeHead(200).end(CARD),
  'unknown-encoding': (res) => res.writeHead(200, { ...json, 'Content-Encoding': 'compress' }).end(CARD),
  'lying-encoding': (res) => res.writeHead(200, { ...json, 'Content-Encoding': 'gzip' }).end(JSON_BODY),
  'malformed-json': (res) => res.writeHead(200, json).end(`{"a": "${CARD}`),
  broken: (res) => {
    res.writeHead(200, { ...json, 'Content-Length': JSON_BODY.length });
    res.write(JSON_BODY.slice(0, MIDDLE), () => res.socket?.destroy());
  },
  partial: (res) => res.writeHead(206, { ...json, 'Content-Range': 'bytes 0-9/50' }).end('"424242424'),
};

describe('response redaction through the gateway', () => {
  let folder: string;
  let tool: Server;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-redaction-'));
    tool = createServer((req, res) => {
      const name = (req.url ?? '').split('/').at(-1) ?? '';
      (BEHAVIOURS[name] ?? STOPPED[name])?.(res);
    });
    await new Promise<void>((resolve) => tool.listen(0, '127.0.0.1', resolve));
    const publisher = new Publisher(folder, 'finance-agent');
    const rule = '  - name: read-payments\n    actions: [get_payment]';
    const redacting = `${rule}\n    outcome: sanitize\n    sanitize: {response: [{detector: payment-card, op: mask}]}`;
    publisher.publish(edited(sampleSources('fintech'), rule, redacting));
    gateway = await startGateway({
      settings: {
        agent: 'finance-agent',
        tenant: publisher.identity.name,
        tenantUid: publisher.identity.uid,
        'bundle.directory': publisher.file,
        'bundle.trustedKeys': publisher.keyFile,
        'upstream.overrides': `stripe-payments=http://127.0.0.1:${(tool.address() as AddressInfo).port}`,
      },
    });
  });

  afterAll(async () => {
    await gateway?.stop();
    tool?.closeAllConnections();
    await new Promise((resolve) => tool?.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  /** Everything that the agent receives, and whether the response looked complete. */
  async function get(name: string): Promise<{ status: number; text: string; complete: boolean }> {
    const url = `http://127.0.0.1:${gateway.proxy}/stripe-payments/v1/payment_intents/${name}`;
    const { statusCode, body } = await request(url, { headers: { 'accept-encoding': 'gzip, br', range: 'bytes=0-9' } });
    let text = '';
    try {
      for await (const chunk of body) text += (chunk as Buffer).toString('latin1');
      return { status: statusCode, text, complete: true };
    } catch {
      return { status: statusCode, text, complete: false };
    }
  }

  /** Digits alone, so that a number in pieces counts too. */
  const digits = (text: string): string => text.replace(/[^0-9]/g, '');

  it.each(Object.keys(BEHAVIOURS))('%s', async (name) => {
    const { status, text, complete } = await get(name);
    expect({ status, complete }).toEqual({ status: 200, complete: true });
    expect(digits(text)).not.toContain(CARD);
    expect(text).toMatch(/paid|card|note/);
  });

  it.each(Object.keys(STOPPED))('%s is stopped', async (name) => {
    const { status, text, complete } = await get(name);
    expect(status === 502 || !complete).toBe(true);
    expect(digits(text)).not.toContain(CARD.slice(0, 12));
  });
});
