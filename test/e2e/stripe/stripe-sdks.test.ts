import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../../bench/support/free-port.ts';
import { createPaymentStandIn } from '../../../cli/stand-in/payment-api.ts';
import { toolFolder } from '../../../scripts/tool-path.ts';
import { type GatewayProcess, startGateway } from '../../support/gateway-process.ts';
import { Publisher } from '../../support/publisher.ts';
import { edited, sampleSources } from '../../support/sample.ts';

/** The unmodified SDKs, in every way that each of them supports, through the real gateway program. */

interface Outcome {
  id?: string;
  amount?: number;
  error?: string;
  type?: string;
  code?: string;
  status?: number;
  message?: string;
}

type Outcomes = Record<'tooMuch' | 'fine' | 'undeclared', Outcome>;

interface Arrived {
  line: string;
  headers: Record<string, string>;
  body: Buffer;
}

const run = promisify(execFile);

async function client(language: 'node' | 'python', way: string, port: number, ca: string): Promise<Outcomes> {
  const file = join(__dirname, language === 'node' ? 'client.mjs' : 'client.py');
  const { stdout } = await run(language === 'node' ? process.execPath : 'python3', [file], {
    env: {
      PATH: process.env.PATH,
      WAY: way,
      GATEWAY_PORT: String(port),
      GATEWAY_CA: ca,
      ...(language === 'python' && { PYTHONPATH: toolFolder('stripe-python') }),
    },
    timeout: 30_000,
  });
  return JSON.parse(stdout) as Outcomes;
}

/** Written anew on every hop, or by the SDK for every call. */
const VOLATILE = new Set(['host', 'connection', 'keep-alive', 'idempotency-key', 'accept-encoding']);

function arrived(req: IncomingMessage, body: Buffer): Arrived {
  const headers = Object.entries(req.headers).filter(([name]) => !VOLATILE.has(name));
  return { line: `${req.method} ${req.url}`, headers: Object.fromEntries(headers) as Record<string, string>, body };
}

describe('Stripe SDKs through the gateway', () => {
  let folder: string;
  let api: Server;
  let apiPort: number;
  let gateway: GatewayProcess;
  let ports: Record<string, number>;
  let ca: string;
  let seen: Arrived[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-stripe-'));
    const standIn = createPaymentStandIn({ clock: Date.now, log: () => undefined });
    api = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => seen.push(arrived(req, Buffer.concat(chunks))));
      standIn.handle(req, res);
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    apiPort = (api.address() as AddressInfo).port;
    const publisher = new Publisher(folder, 'finance-agent');
    // nine payments of $4,999
    publisher.publish(edited(sampleSources('fintech'), 'max: 20000,', 'max: 200000,'));
    const [toolPort, tlsPort] = [await freePort(), await freePort()];
    ca = join(folder, 'clients-trust.pem');
    gateway = await startGateway({
      settings: {
        agent: 'finance-agent',
        tenant: publisher.identity.name,
        tenantUid: publisher.identity.uid,
        'bundle.directory': publisher.file,
        'bundle.trustedKeys': publisher.keyFile,
        'listen.tools': `stripe-payments=127.0.0.1:${toolPort}`,
        'listen.tls': `127.0.0.1:${tlsPort}`,
        'capture.caDirectory': join(folder, 'ca'),
        'capture.caExport': ca,
        'upstream.overrides': `stripe-payments=http://127.0.0.1:${apiPort}`,
      },
    });
    ports = { prefix: gateway.proxy, proxy: gateway.proxy, port: toolPort, tls: tlsPort };
  });

  afterAll(async () => {
    await gateway?.stop();
    await new Promise((resolve) => api?.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  beforeEach(() => {
    seen = [];
  });

  it.each([
    ['node', 'port'],
    ['node', 'proxy'],
    ['node', 'tls'],
    ['python', 'prefix'],
    ['python', 'port'],
    ['python', 'proxy'],
    ['python', 'tls'],
  ] as const)('%s by %s: refusals that its own error classes read, and the same bytes at the API', async (...pair) => {
    const [language, way] = pair;
    const results = await client(language, way, ports[way] as number, way === 'port' || way === 'prefix' ? '' : ca);
    const refusal =
      language === 'node' ? /^Stripe(InvalidRequest|Permission)Error$/ : /^(InvalidRequest|Permission)Error$/;
    expect(results.tooMuch.error).toMatch(refusal);
    expect(results.tooMuch).toMatchObject({ status: 403, code: 'above_maximum' });
    expect(results.tooMuch.message).toContain('amount must be at most 5000');
    expect(results.fine).toMatchObject({ amount: 499_900 });
    expect(results.fine.id).toMatch(/^pi_/);
    expect(results.undeclared.error).toMatch(refusal);
    expect(results.undeclared).toMatchObject({ code: 'aegis_mapping_undeclared' });
    // only the call that was allowed arrived, once
    expect(seen).toHaveLength(1);
    expect(seen[0]?.body.toString()).toBe('amount=499900&currency=usd');
  });

  it.each([
    'node',
    'python',
  ] as const)('%s: what arrives is what the SDK sends without the gateway', async (language) => {
    await client(language, 'port', ports.port as number, '');
    const [through] = seen;
    seen = [];
    await client(language, 'port', apiPort, '');
    const direct = seen.find(({ body }) => body.toString() === through?.body.toString());
    expect(through).toEqual(direct);
  });
});
