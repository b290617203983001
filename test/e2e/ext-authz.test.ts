import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Envoy, startEnvoy } from '../../bench/support/envoy.ts';
import { collectVectors } from '../../cli/testing/vectors.ts';
import type { LocalSystem } from '../../cli/workspace/local-system.ts';
import type { DecideDeps } from '../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../gateway/enforcement/decision.ts';
import { createDecisionIds } from '../../gateway/enforcement/decision-id.ts';
import { createGateway, type Gateway } from '../../gateway/gateway.ts';
import type { Reservation } from '../../gateway/limits/limit-store.ts';
import { createUpstreams } from '../../gateway/upstream/upstreams.ts';
import { type RenderedCall, renderCall } from '../support/render-call.ts';
import { NOW, newSystem, sampleSources } from '../support/sample.ts';

/**
 * With the real Envoy in front, ext_authz says what the inline gateway says, for every vector of the samples: both get
 * the same request over the wire.
 */

const SAMPLES = readdirSync(join(__dirname, '../../config/samples')).sort();

interface Case {
  name: string;
  agent: string;
  tool: string;
  call: RenderedCall;
}

function casesOf(system: LocalSystem, sample: string): Case[] {
  const { resources, suites } = system.update(sampleSources(sample));
  const [activation] = system.activations.list();
  return collectVectors(resources, suites).flatMap(({ name, test }): Case[] => {
    if (test.http !== undefined) {
      const { agent, tool, method, path, headers = {}, body } = test.http;
      const text = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
      const typed = text === body || text === '' ? headers : { 'content-type': 'application/json', ...headers };
      return [{ name, agent, tool, call: { method, path, headers: typed, body: text } }];
    }
    if (test.input === undefined) return [];
    const { agent, tool, action, params = {} } = test.input as Case & { action: string; params?: object };
    const contract = activation?.contract(agent, tool);
    return [{ name, agent, tool, call: renderCall(contract, action, params as Record<string, unknown>) }];
  });
}

/** The credentials that the gateway adds for some tools. */
function secretsOf(tools: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-secrets-'));
  for (const tool of tools) {
    mkdirSync(join(folder, tool, 'credential'), { recursive: true });
    writeFileSync(join(folder, tool, 'credential', 'token'), 'none');
  }
  return folder;
}

/** What one side decided, and whether the tool received the call. */
interface Verdict {
  status: number;
  decided: Pick<Decision, 'verdict' | 'taken' | 'action'> & { reasons: string[] };
  reached: boolean;
}

function send(port: number, host: string, prefix: string, call: RenderedCall): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      ...call.headers,
      host,
      ...(call.body !== '' && { 'content-length': Buffer.byteLength(call.body) }),
    };
    const options = { host: '127.0.0.1', port, method: call.method, path: prefix + call.path, headers };
    const req = httpRequest(options, (res) => {
      res.resume();
      res.once('end', () => resolve(res.statusCode ?? 0));
    });
    req.once('error', reject);
    req.end(call.body);
  });
}

describe.each(SAMPLES)('ext_authz behind Envoy: %s', (sample) => {
  const system = newSystem();
  const cases = casesOf(system, sample);
  let tool: Server;
  let reached = 0;
  let decisions: Decision[] = [];
  let gateway: Gateway;
  let proxyPort: number;
  let envoy: Envoy;
  let current: Case | undefined;
  const hostOf = ({ tool: toolId, agent }: Case): string => `${toolId}.${agent}.test`;

  beforeAll(async () => {
    tool = createServer((req, res) => {
      reached++;
      req.resume();
      req.once('end', () => res.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'));
    });
    await new Promise<void>((resolve) => tool.listen(0, '127.0.0.1', resolve));
    const upstreamPort = (tool.address() as AddressInfo).port;
    const key = randomBytes(32);
    // neither side may spend what the other would have
    const nothing = (): void => undefined;
    const reservation: Reservation = { settle: nothing, release: nothing, refund: nothing, limits: [] };
    const deps: DecideDeps = {
      now: () => NOW,
      newId: createDecisionIds(() => NOW, randomBytes),
      limits: { reserve: () => ({ ok: true, reservation }) },
      hash: (text) => createHmac('sha256', key).update(text).digest('hex'),
    };
    const tools = [...new Set(cases.map((each) => each.tool))];
    const overrides = Object.fromEntries(tools.map((name) => [name, `http://127.0.0.1:${upstreamPort}`]));
    gateway = createGateway({
      source: system.activations,
      deps,
      ticks: () => performance.now(),
      upstreams: createUpstreams({ overrides, secretsDir: secretsOf(tools) }),
      callers: { of: () => current && { agent: current.agent }, tools: () => tools },
      hooks: { onDecision: (decision) => decisions.push(decision) },
      listeners: { proxy: { port: 0 }, extAuthz: { port: 0 } },
    });
    const bound = await gateway.start();
    proxyPort = bound.proxy?.port ?? 0;
    envoy = await startEnvoy({
      authzPort: bound.extAuthz?.port ?? 0,
      upstreamPort,
      hosts: Object.fromEntries(cases.map((each) => [hostOf(each), { tool: each.tool, agent: each.agent }])),
    });
  });

  afterAll(async () => {
    await envoy?.close();
    await gateway?.drain(1000);
    tool?.closeAllConnections();
    await new Promise((resolve) => tool?.close(resolve));
  });

  async function verdict(work: () => Promise<number>): Promise<Verdict> {
    decisions = [];
    reached = 0;
    const status = await work();
    const [decision] = decisions;
    if (decisions.length !== 1 || decision === undefined) throw new Error(`${decisions.length} decisions for one call`);
    const { verdict: said, taken, action, reasons } = decision;
    return {
      status,
      decided: { verdict: said, taken, action, reasons: reasons.map(({ code }) => code) },
      reached: reached > 0,
    };
  }

  it(`has vectors`, () => expect(cases.length).toBeGreaterThan(10));

  it.each(cases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
    current = each;
    const inline = await verdict(() => send(proxyPort, '127.0.0.1', `/${each.tool}`, each.call));
    const asked = await verdict(() => send(envoy.port, hostOf(each), '', each.call));
    // a response that must be changed can be changed by the inline gateway only
    const unsupported = asked.decided.reasons[0] === 'OBLIGATION_UNSUPPORTED';
    if (unsupported) {
      expect(inline.decided.taken).toBe('sanitize');
      expect(asked).toMatchObject({ reached: false, decided: { verdict: inline.decided.verdict, taken: 'deny' } });
    } else expect(asked).toEqual(inline);
    expect(inline.reached).toBe(['allow', 'sanitize'].includes(inline.decided.taken));
  });
});
