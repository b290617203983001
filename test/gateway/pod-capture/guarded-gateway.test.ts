import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flagsOf } from '../../support/child-program.ts';
import { mountBundle } from '../../support/mounted-bundle.ts';
import { Publisher } from '../../support/publisher.ts';
import { sampleSources } from '../../support/sample.ts';
import { until } from '../capture/harness.ts';
import { AGENT_UID, GATEWAY_UID, here, OUTSIDE, openPodNetwork, type PodNetwork, whyNot } from './pod-network.ts';

/** The real gateway behind the real rules: what an agent that knows nothing of either meets. */
const reason = whyNot();
const describeHere = reason === undefined ? describe : describe.skip;

describeHere(`a gateway in a pod${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let net: PodNetwork;
  let folder: string;
  let said: () => string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-guarded-'));
    chmodSync(folder, 0o755);
    const publisher = new Publisher(join(folder, 'published'), 'finance-agent');
    publisher.publish(sampleSources('fintech'));
    mountBundle(publisher.file, join(folder, 'bootstrap'));
    for (const name of ['state', 'trust']) {
      mkdirSync(join(folder, name));
      chownSync(join(folder, name), GATEWAY_UID, GATEWAY_UID);
    }
    net = await openPodNetwork();
    await net.startOutside([here('outside-tool.mjs'), OUTSIDE.ipv4, '9001', '9002']);
    expect(net.capture({ guard: 'Observe' }).code).toBe(0);
    const settings = {
      agent: 'finance-agent',
      tenant: 'fintech',
      'bundle.configMap': join(folder, 'bootstrap'),
      // Nobody is there.
      'bundle.url': `https://${OUTSIDE.ipv4}:9/v1/bundles/fintech/finance-agent.tar.gz`,
      'bundle.trustedKeys': publisher.keyFile,
      'bundle.store': join(folder, 'state/bundle'),
      'listen.http': '127.0.0.1:15080',
      'listen.tls': '127.0.0.1:15443',
      'capture.caDirectory': join(folder, 'state/ca'),
      'capture.caExport': join(folder, 'trust/ca.crt'),
      'capture.trustBundle': join(folder, 'trust/bundle.crt'),
      'capture.unknownHosts': 'Refuse',
      'egress.observe': 'true',
      'upstream.overrides': `stripe-payments=http://${OUTSIDE.ipv4}:9001`,
      'telemetry.log': 'off',
    };
    said = await net.startSaying(GATEWAY_UID, [here('../../../gateway/main.ts'), ...flagsOf(settings)], '"listening"');
    await until('a bundle', () => said().includes('"bundle.activated"'), 20_000);
  }, 60_000);
  afterAll(async () => {
    await net?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const agent = (question: object): string =>
    net.inside([
      ...['setpriv', `--reuid=${AGENT_UID}`, `--regid=${AGENT_UID}`, '--clear-groups', process.execPath],
      ...[here('agent.mjs'), JSON.stringify(question)],
    ]);
  const payment = (amount: number) => ({
    host: 'api.stripe.com',
    path: '/v1/payment_intents',
    body: `amount=${amount}&currency=usd`,
  });

  test.each(['ipv4', 'ipv6'] as const)('plain HTTP and TLS of an agent are decided: %s', (family) => {
    const address = OUTSIDE[family];
    expect(agent({ address, host: 'api.stripe.com', path: '/v1/payment_intents/pi_1' })).toMatch(/^200 .*pi_1/);
    for (const caFile of [undefined, join(folder, 'trust/ca.crt'), join(folder, 'trust/bundle.crt')]) {
      expect(agent({ address, caFile, ...payment(9_900) })).toMatch(/^200 /);
      expect(agent({ address, caFile, ...payment(5_000_000) })).toMatch(/^403 /);
      const unknown = { address, caFile, host: 'other.example', path: '/' };
      expect(agent(unknown)).toMatch(caFile === undefined ? /^403 .*AEGIS_HOST_UNKNOWN/ : /^[A-Z_]+\n$/);
    }
  });

  test('clients find the CA alone, and with the public ones', () => {
    const [ca, bundle] = ['ca.crt', 'bundle.crt'].map((name) => readFileSync(join(folder, 'trust', name), 'utf8'));
    expect(bundle?.startsWith(ca as string)).toBe(true);
    expect(bundle?.split('-----BEGIN CERTIFICATE-----').length).toBeGreaterThan(100);
    expect(bundle).not.toContain('PRIVATE KEY');
  });

  test('what went past is told, once each, and what was refused by name', async () => {
    const seen = (): string[] =>
      said()
        .split('\n')
        .filter((line) => line.includes('"egress.seen"'))
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .map(({ destination, port, protocol, refused }) => [destination, port, protocol, refused].join(' '));
    await net.startSaying(
      AGENT_UID,
      [here('agent.mjs'), JSON.stringify({ address: OUTSIDE.ipv4, hold: 9002 })],
      'held',
    );
    await until('the connection is seen', () => seen().includes(`${OUTSIDE.ipv4} 9002 tcp false`), 20_000);
    expect(seen().sort()).toEqual(
      ['other.example 443 tcp true', 'other.example 80 tcp true', `${OUTSIDE.ipv4} 9002 tcp false`].sort(),
    );
  });

  test('under Enforce the same connection is refused, and calls go on', () => {
    expect(net.capture({ guard: 'Enforce' }).code).toBe(0);
    expect(agent({ address: OUTSIDE.ipv4, hold: 9002 })).toBe('ECONNREFUSED\n');
    expect(agent({ address: OUTSIDE.ipv4, ...payment(9_900) })).toMatch(/^200 /);
    expect(agent({ address: OUTSIDE.ipv6, ...payment(5_000_000) })).toMatch(/^403 /);
  });
});
