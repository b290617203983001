/** docs/first-agent.md: the agent of the example, unmodified, through the real gateway, at every step of the guide. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createPaymentStandIn } from '../../cli/stand-in/payment-api.ts';
import { Workspace } from '../../cli/workspace/workspace.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { publicKeyToPem, signingKeyFromSeed } from '../../policy/bundle/keys.ts';
import { packBundle } from '../../policy/bundle/pack-bundle.ts';
import { sliceBundle } from '../../policy/bundle/slice-bundle.ts';
import { type CompiledTenant, compile } from '../../policy/compiler/compile.ts';
import type { PolicyState } from '../../policy/compiler/compile-options.ts';
import { BundleSession } from '../../policy/publication/bundle-session.ts';
import { tenantIdentity } from '../../policy/publication/tenant-identity.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentPolicy } from '../../policy/resources/types.generated.ts';
import { nodeCrypto } from '../../runtime/crypto/node-crypto.ts';
import { toolFolder, toolPath } from '../../scripts/tool-path.ts';
import { aegis, filesBelow } from '../cli/support/memory-context.ts';
import { type GatewayProcess, startGateway } from '../support/gateway-process.ts';
import { ENGINE } from '../support/sample.ts';
import { ROOT, readPage } from './pages.ts';

const EXAMPLE = join(ROOT, 'examples/payments-agent');
const STEPS = readdirSync(join(EXAMPLE, 'steps')).sort();

const run = promisify(execFile);
const encoder = new TextEncoder();

/** As `kubectl apply -k` would send it. */
function rendered(step: string): string {
  return execFileSync(toolPath('kubectl'), ['kustomize', join(EXAMPLE, 'steps', step)], { encoding: 'utf8' });
}

describe('the files of the example', () => {
  const files = Object.fromEntries(
    Object.entries(filesBelow(EXAMPLE, 'example')).filter(([name]) => /\.ya?ml$/.test(name)),
  );

  test('lint finds nothing', async () => {
    const { code, stdout } = await aegis(['lint', 'example'], files);
    expect(stdout).toMatch(/^0 errors, 0 warnings /);
    expect(code).toBe(0);
  });

  test('its vectors pass and reach every branch', async () => {
    const { code, stdout } = await aegis(['test', 'example', '--min-coverage', '100'], files);
    expect(stdout).toMatch(/ passed, 0 failed/);
    expect(code).toBe(0);
  });

  test.each(STEPS)('%s: what is applied is without findings, and in the guide', async (step) => {
    const { code, stdout } = await aegis(['lint', 'step.yaml'], { 'step.yaml': rendered(step) });
    expect(stdout).toMatch(/^0 errors, 0 warnings /);
    expect(code).toBe(0);
    expect(readPage('docs/first-agent.md').text).toContain(`-k examples/payments-agent/steps/${step}\n`);
  });

  test('the pods ask for what the guard asks for', () => {
    const deploy = execFileSync(toolPath('kubectl'), ['kustomize', join(EXAMPLE, 'deploy')], { encoding: 'utf8' });
    for (const text of ['allowPrivilegeEscalation: false', 'runAsUser: 10001', 'serviceAccountName: payments-agent']) {
      expect(deploy.split(text)).toHaveLength(3);
    }
    expect(deploy).not.toMatch(/privileged: true|hostNetwork|hostPID|shareProcessNamespace|hostPath|add:/);
  });
});

/** What the operator makes of `targetStage` with the profile `immediate`. */
function stateOf(policy: LoadedResource<AgentPolicy>): PolicyState {
  const { targetStage = 'Enforce', partial } = policy.object.spec.rollout ?? {};
  if (targetStage === 'Enforce') return { stable: policy };
  if (targetStage === 'Shadow') return { candidate: { policy, stage: 'shadow' } };
  return { candidate: { policy, stage: 'partial', cohort: new Set(partial?.agents) } };
}

describe('the agent', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-first-agent-'));
  const keys: (string | undefined)[] = [];
  let api: Server;
  let gateway: GatewayProcess | undefined;

  beforeAll(async () => {
    const standIn = createPaymentStandIn({ clock: Date.now, log: () => undefined });
    api = createServer((request, response) => {
      keys.push(request.headers.authorization);
      standIn.handle(request, response);
    });
    await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve));
    mkdirSync(join(folder, 'secrets/stripe-payments/credential'), { recursive: true });
    writeFileSync(join(folder, 'secrets/stripe-payments/credential/token'), 'sk_test_of_the_gateway');
  });

  beforeEach(() => {
    keys.length = 0;
  });

  afterEach(async () => {
    await gateway?.stop();
    gateway = undefined;
  });

  afterAll(async () => {
    await new Promise((resolve) => api.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(step: string, agent: string): Promise<GatewayProcess> {
    const { resources } = new Workspace().read([{ file: 'step.yaml', text: rendered(step) }]);
    const digest = (text: string): string => toHex(nodeCrypto.sha256(encoder.encode(text)));
    const tenant = compile(resources, { digest, stateOf }).tenants[0] as CompiledTenant;
    const { name, uid } = tenantIdentity(tenant);
    const key = signingKeyFromSeed(new Uint8Array(32).fill(9), nodeCrypto);
    const session = new BundleSession({
      engine: ENGINE,
      crypto: nodeCrypto,
      key,
      clock: Date.now,
      lifetime: 86_400_000,
    });
    const slice = packBundle(sliceBundle(session.publish(tenant), agent, nodeCrypto));
    const [bundle, trusted] = [join(folder, `${step}-${agent}.tar.gz`), join(folder, 'trusted.pub')];
    writeFileSync(bundle, slice);
    writeFileSync(trusted, publicKeyToPem(key.publicKey));
    return startGateway({
      settings: {
        agent,
        tenant: name,
        tenantUid: uid,
        'bundle.directory': bundle,
        'bundle.trustedKeys': trusted,
        'capture.caDirectory': join(folder, 'ca'),
        'capture.caExport': join(folder, 'ca.crt'),
        'upstream.secretsDirectory': join(folder, 'secrets'),
        'upstream.overrides': `stripe-payments=http://127.0.0.1:${(api.address() as AddressInfo).port}`,
      },
    });
  }

  /** What a pod is told, and no more. */
  function environment({ proxy }: GatewayProcess): Record<string, string | undefined> {
    return {
      PATH: process.env.PATH,
      PYTHONPATH: toolFolder('stripe-python'),
      HTTPS_PROXY: `http://127.0.0.1:${proxy}`,
      SSL_CERT_FILE: join(folder, 'ca.crt'),
      VENDOR_LIST_URL: 'https://vendors.invalid/',
    };
  }

  /** The lines that it prints. */
  async function work(through: GatewayProcess, more: Record<string, string> = {}): Promise<string[]> {
    const { stdout } = await run('python3', ['-B', join(EXAMPLE, 'program/agent.py')], {
      env: { ...environment(through), ...more },
      timeout: 60_000,
    });
    return stdout.trim().split('\n');
  }

  const PAID = [
    expect.stringMatching(/^vendors: list not read/),
    expect.stringMatching(/^INV-1001 480\.00 usd: payment pi_\w+, succeeded$/),
    expect.stringMatching(/^INV-1002 4999\.00 usd: payment pi_\w+, succeeded$/),
  ];
  const TALKED_INTO_IT = expect.stringMatching(/^INV-1003 50000\.00 usd: payment pi_\w+, succeeded$/);
  const REFUSED = 'INV-1003 50000.00 usd: no payment: amount must be at most 5000.';

  test('1-look: everything passes and is written down', async () => {
    gateway = await start('1-look', 'payments-agent');
    expect(await work(gateway)).toEqual([...PAID, TALKED_INTO_IT]);
    const decisions = gateway.log().filter(({ kind }) => kind === 'decision');
    expect(decisions).toHaveLength(6);
    for (const decision of decisions) {
      expect(decision).toMatchObject({ verdict: 'allow', reasons: [{ code: 'UNMATCHED_OBSERVE' }] });
    }
    expect(gateway.stdout()).not.toMatch(/5000000|50000/);
  });

  test('2-shadow: the same, and what would be refused is counted and told', async () => {
    gateway = await start('2-shadow', 'payments-agent');
    expect(await work(gateway)).toEqual([...PAID, TALKED_INTO_IT]);
    expect(gateway.stdout()).toMatch(/"candidates":\[\{[^\]]*"verdict":"deny"/);
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text();
    const counted = (difference: string): string =>
      `aegis_gateway_candidate_calls_total{policy="payments/invoice-payments",difference="${difference}"}`;
    expect(metrics).toContain(`${counted('would_deny')} 1\n`);
    expect(metrics).toContain(`${counted('none')} 5\n`);
  });

  test.each([
    ['3-canary', 'payments-agent', TALKED_INTO_IT],
    ['3-canary', 'payments-agent-canary', REFUSED],
    ['4-enforce', 'payments-agent', REFUSED],
    ['5-guard', 'payments-agent-canary', REFUSED],
  ])('%s, %s', async (step, agent, last) => {
    gateway = await start(step, agent);
    expect(await work(gateway)).toEqual([...PAID, last]);
  });

  test('4-enforce: refunds, which nobody has thought of, are refused', async () => {
    gateway = await start('4-enforce', 'payments-agent');
    const code = 'import tools; tools._stripe().v1.refunds.create({"payment_intent": "pi_1"})';
    const refund = run('python3', ['-B', '-c', code], {
      cwd: join(EXAMPLE, 'program'),
      env: environment(gateway),
      timeout: 60_000,
    });
    await expect(refund).rejects.toThrow('PermissionError: stripe-payments has no action for this POST.');
    expect(keys).toEqual([]);
  });

  test('6-key: the key of the gateway arrives, whatever the agent sends', async () => {
    gateway = await start('6-key', 'payments-agent');
    expect(await work(gateway, { STRIPE_API_KEY: 'not-needed' })).toEqual([...PAID, REFUSED]);
    expect(new Set(keys)).toEqual(new Set(['Bearer sk_test_of_the_gateway']));
  });
});
