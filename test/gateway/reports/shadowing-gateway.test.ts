/** The real gateway program with a stable revision and a candidate in shadow: what is decided, and what is reported. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Workspace } from '../../../cli/workspace/workspace.ts';
import { readReport } from '../../../operator/serving/read-gateway-bodies.ts';
import { toHex } from '../../../policy/bundle/encoding.ts';
import { publicKeyToPem, signingKeyFromSeed } from '../../../policy/bundle/keys.ts';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import { sliceBundle } from '../../../policy/bundle/slice-bundle.ts';
import { type CompiledTenant, compile } from '../../../policy/compiler/compile.ts';
import type { PolicyState } from '../../../policy/compiler/compile-options.ts';
import { BundleSession } from '../../../policy/publication/bundle-session.ts';
import type { LoadedResource } from '../../../policy/resources/resource.ts';
import type { AgentPolicy } from '../../../policy/resources/types.generated.ts';
import type { Source } from '../../../policy/source/load-sources.ts';
import type { GatewayReport } from '../../../policy/wire/gateway-report.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { type GatewayProcess, startGateway } from '../../support/gateway-process.ts';
import { ENGINE, edited, sampleSources } from '../../support/sample.ts';
import { until } from '../telemetry/decisions.ts';

const AGENT = 'finance-agent';
const POLICY = 'fintech/finance-payments';
const encoder = new TextEncoder();

const folder = mkdtempSync(join(tmpdir(), 'aegis-shadowing-'));
const file = join(folder, 'bundle.tar.gz');
const keyFile = join(folder, 'trusted.pub');
const key = signingKeyFromSeed(new Uint8Array(32).fill(9), nodeCrypto);
const session = new BundleSession({ engine: ENGINE, crypto: nodeCrypto, key, clock: Date.now, lifetime: 86_400_000 });

const reports: GatewayReport[] = [];
let operatorStatus = 204;
const servers: Server[] = [];
let gateway: GatewayProcess;
let calls = 0;

async function serve(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const LOWER = (sources: readonly Source[]): Source[] => edited(sources, 'maxAmount: 5000', 'maxAmount: 1000');

function policyIn(sources: readonly Source[]): LoadedResource<AgentPolicy> {
  const { resources } = new Workspace().read(sources);
  return resources.find(({ object }) => object.kind === 'AgentPolicy') as LoadedResource<AgentPolicy>;
}

/** @returns the revisions by the policy's object. */
function publish(state: PolicyState): Map<unknown, string> {
  const { resources } = new Workspace().read(sampleSources('fintech'));
  const { tenants } = compile(
    resources.map((resource) =>
      resource.object.kind === 'AgentPolicy' ? policyIn(sampleSources('fintech')) : resource,
    ),
    { digest: (text) => toHex(nodeCrypto.sha256(encoder.encode(text))), stateOf: () => state },
  );
  const tenant = tenants[0] as CompiledTenant;
  const partial = `${file}.new`;
  writeFileSync(partial, packBundle(sliceBundle(session.publish(tenant), AGENT, nodeCrypto)));
  renameSync(partial, file);
  return new Map(tenant.policies.map(({ source, revision }) => [source.object, revision]));
}

const stable = policyIn(sampleSources('fintech'));
const candidate = policyIn(LOWER(sampleSources('fintech')));
let revisions: Map<unknown, string>;

beforeAll(async () => {
  writeFileSync(keyFile, publicKeyToPem(key.publicKey));
  const tool = await serve(
    createServer((_, res) => {
      calls++;
      res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"id":"pi_1"}');
    }),
  );
  const operator = await serve(
    createServer(async (req, res) => {
      let body = '';
      for await (const chunk of req.setEncoding('utf8')) body += chunk;
      if (operatorStatus < 300) reports.push(JSON.parse(body) as GatewayReport);
      res.writeHead(operatorStatus).end();
    }),
  );
  revisions = publish({ stable, candidate: { policy: candidate, stage: 'shadow' } });
  gateway = await startGateway({
    settings: {
      tenant: 'fintech',
      agent: AGENT,
      'bundle.directory': file,
      'bundle.pollInterval': '50ms',
      'bundle.trustedKeys': keyFile,
      'bundle.acknowledge.instance': 'pod-uid-1',
      'upstream.overrides': `stripe-payments=${tool}`,
      'report.url': `${operator}/v1/reports`,
      'report.interval': '300ms',
    },
  });
});

afterAll(async () => {
  await gateway.kill();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

async function pay(amount: number): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${gateway.proxy}/stripe-payments/v1/payment_intents`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: `amount=${amount}00&currency=usd`,
  });
  await answer.arrayBuffer();
  return answer.status;
}

const countOf = (policy: string) =>
  reports
    .flatMap(({ candidates }) => candidates)
    .filter((count) => count.policy === policy)
    .at(-1);

test('a candidate in shadow disturbs no call; what it would refuse is counted and reported', async () => {
  expect([await pay(500), await pay(2000), await pay(3000)]).toEqual([200, 200, 200]);
  expect(calls).toBe(3);
  await until(() => countOf(POLICY)?.calls === 3);
  expect(reports.at(-1)).toMatchObject({ version: 1, instance: 'pod-uid-1', overflow: 0 });
  expect(countOf(POLICY)).toEqual({
    policy: POLICY,
    revision: revisions.get(candidate.object),
    calls: 3,
    wouldDeny: 2,
    wouldAllow: 0,
    otherwise: 0,
    errors: 0,
  });
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text();
  expect(metrics).toContain(`aegis_gateway_candidate_calls_total{policy="${POLICY}",difference="would_deny"} 2\n`);
  expect(metrics).toContain('aegis_gateway_report_failing 0\n');
});

test('a call that is refused is reported by rule, without its parameters', async () => {
  expect(await pay(6000)).toBe(403);
  await until(() => reports.some(({ violations }) => violations.length > 0));
  const [violation] = reports.flatMap(({ violations }) => violations);
  expect(violation).toEqual({
    policy: POLICY,
    rule: 'cap-payments',
    tool: 'stripe-payments',
    action: 'create_payment',
    code: 'ABOVE_MAXIMUM',
    verdict: 'approval_needed',
    calls: 1,
  });
  expect(JSON.stringify(reports)).not.toContain('6000');
});

test('while the operator refuses reports calls go on; afterwards it is told all of it', async () => {
  operatorStatus = 503;
  const before = countOf(POLICY)?.calls ?? 0;
  for (let i = 0; i < 2; i++) expect(await pay(100)).toBe(200);
  await until(() => gateway.stderr().includes('"report.failed"'));
  expect(await pay(100)).toBe(200);
  operatorStatus = 204;
  await until(() => countOf(POLICY)?.calls === before + 3);
  await until(() => gateway.stderr().includes('"report.delivered"'));
});

test('the decision endpoint counts for nothing', async () => {
  const before = countOf(POLICY)?.calls ?? 0;
  const input = {
    agent: AGENT,
    tool: 'stripe-payments',
    action: 'create_payment',
    params: { amount: 3000, currency: 'USD' },
  };
  const answer = await fetch(`http://127.0.0.1:${gateway.decisions}/v1/decisions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(input),
  });
  expect(await answer.json()).toMatchObject({
    candidates: [{ policy: POLICY, outcome: { verdict: expect.any(String) } }],
  });
  await pay(100);
  await until(() => countOf(POLICY)?.calls === before + 1);
});

test('in the cohort the candidate decides, and the stable revision is what it is compared with', async () => {
  publish({ stable, candidate: { policy: candidate, stage: 'partial', cohort: new Set([AGENT]) } });
  await until(() => gateway.stderr().includes('"sequence":2'));
  expect(await pay(2000)).toBe(403);
  const ofStable = () =>
    reports
      .flatMap(({ candidates }) => candidates)
      .filter(({ revision }) => revision === revisions.get(stable.object))
      .at(-1);
  await until(() => ofStable() !== undefined);
  expect(ofStable()).toMatchObject({ policy: POLICY, calls: 1, wouldAllow: 1, wouldDeny: 0 });
});

test('every report is one that the operator takes', () => {
  expect(reports.length).toBeGreaterThan(3);
  for (const report of reports) expect(readReport(report)).toEqual(report);
});

test('on its way out it tells the rest', async () => {
  const before = reports.length;
  expect(await pay(100)).toBe(200);
  expect(await gateway.stop()).toBe(0);
  expect(reports.length).toBeGreaterThan(before);
});
