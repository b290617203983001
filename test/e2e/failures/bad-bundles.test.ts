import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HEAD_FILE } from '../../../policy/bundle/file-names.ts';
import { gzip } from '../../../policy/bundle/gzip.ts';
import { writeTar } from '../../../policy/bundle/tar.ts';
import {
  AGENT,
  contentOf,
  HOUR,
  STRANGER_KEY,
  sign,
  sliceArchive,
  sliceFiles,
  TENANT,
  temporaryFolder,
  UID,
  writeKeys,
} from '../../gateway/bundles/publisher.ts';
import { BundleServer } from '../../support/bundle-server.ts';
import { type GatewayProcess, startGateway } from '../../support/gateway-process.ts';
import { health, metric, probe, until } from '../../support/gateway-view.ts';
import { edited } from '../../support/sample.ts';
import { ToolServer } from '../../support/tool-server.ts';

/**
 * Bundles that must not be believed, put where the program looks for them: each is refused, named in health and
 * metrics, and changes nothing; and without any bundle nothing passes.
 */

const now = Date.now();

/** What a gateway would take. Caps differ, so that one can tell which bundle decides. */
function good(sequence: number): Uint8Array {
  const content = contentOf(capOf(sequence), (sources) => edited(sources, LIMITS, ''), 'without limits');
  return sliceArchive(sign({ sequence, issuedAt: now - 1000, content }));
}

const LIMITS =
  'limits: [{name: daily-spend, budget: {parameter: amount, max: 20000, window: 24h}}, {name: burst, rate: {max: 10, window: 1m}}]';

const capOf = (sequence: number): number => 1000 + sequence;

function withHead(sequence: number, change: (head: string) => string): Uint8Array {
  const files = sliceFiles(sign({ sequence, issuedAt: now - 1000, cap: 9000 }));
  const head = new TextDecoder().decode(files.get(HEAD_FILE));
  return gzip(writeTar(new Map(files).set(HEAD_FILE, new TextEncoder().encode(change(head)))));
}

/** `next` is the sequence that a good bundle would have. */
const BAD: readonly (readonly [string, (next: number) => Uint8Array, RegExp])[] = [
  [
    'signed by a stranger',
    (next) => sliceArchive(sign({ sequence: next, issuedAt: now, key: STRANGER_KEY, cap: 9000 })),
    /^AEGIS_BUNDLE_KEY_UNKNOWN$/,
  ],
  [
    'forged: a higher sequence in the head',
    (next) => withHead(next - 1, (head) => head.replace(`"sequence":${next - 1}`, `"sequence":${next}`)),
    /^AEGIS_BUNDLE_SIGNATURE_INVALID$/,
  ],
  [
    'stripped of its signature',
    (next) => withHead(next, (head) => head.replace(/"signature":"[^"]+"/, '"signature":""')),
    /^AEGIS_BUNDLE_SIGNATURE_MISSING$/,
  ],
  ['replayed: an older sequence', (next) => good(next - 2), /^AEGIS_BUNDLE_SEQUENCE$/],
  [
    'expired',
    (sequence) =>
      sliceArchive(
        sign({ sequence, issuedAt: now - 3 * HOUR, timestamp: now - 3 * HOUR, expiresAt: now - HOUR, cap: 9000 }),
      ),
    /^AEGIS_BUNDLE_EXPIRED$/,
  ],
  [
    "another tenant's",
    (sequence) => sliceArchive(sign({ sequence, issuedAt: now, tenant: { name: 'ehr', uid: UID }, cap: 9000 })),
    /^AEGIS_BUNDLE_TENANT$/,
  ],
  [
    "another agent's slice",
    (sequence) => sliceArchive(sign({ sequence, issuedAt: now, cap: 9000 }), 'planner-agent'),
    /^AEGIS_BUNDLE_AGENT$/,
  ],
  ['truncated', (next) => good(next).slice(0, 20_000), /^AEGIS_BUNDLE_(TRUNCATED|CORRUPT)$/],
  ['oversized', () => new Uint8Array(9 * 1024 * 1024), /^AEGIS_BUNDLE_TOO_LARGE$/],
  ['garbage', () => new TextEncoder().encode('<html>maintenance</html>'), /^AEGIS_BUNDLE_CORRUPT$/],
];

interface Place {
  settings: Record<string, string>;
  put(archive: Uint8Array): void;
  close(): Promise<void>;
}

function directoryPlace(folder: string): Place {
  const path = join(folder, 'bundle.tar.gz');
  return {
    settings: { 'bundle.directory': path, 'bundle.pollInterval': '200ms' },
    put(archive) {
      writeFileSync(`${path}.new`, archive);
      renameSync(`${path}.new`, path);
    },
    close: async () => undefined,
  };
}

async function httpPlace(): Promise<Place> {
  const server = new BundleServer();
  await server.start();
  let version = 0;
  return {
    settings: { 'bundle.url': `${server.url}/slice`, 'bundle.pollInterval': '200ms' },
    put: (archive) => server.service.publish('/slice', archive, `version-${++version}`),
    close: () => server.stop(),
  };
}

const PLACES = [
  ['a directory', directoryPlace],
  ['a server', httpPlace],
] as const;

describe.each(PLACES)('from %s', (_, open) => {
  let folder: ReturnType<typeof temporaryFolder>;
  let tool: ToolServer;
  let place: Place;
  let gateway: GatewayProcess;
  let sequence = 0;

  beforeAll(async () => {
    folder = temporaryFolder();
    tool = await ToolServer.start();
    place = await open(folder.path);
    gateway = await startGateway({
      settings: {
        agent: AGENT,
        tenant: TENANT,
        tenantUid: UID,
        'bundle.trustedKeys': writeKeys(folder.path),
        'bundle.store': join(folder.path, 'store'),
        'upstream.overrides': `stripe-payments=${tool.url}`,
        ...place.settings,
      },
      until: 'live',
    });
  });

  afterAll(async () => {
    await gateway?.kill();
    await place.close();
    await tool.stop();
    folder.remove();
  });

  async function pay(units: number): Promise<{ status: number; code: string }> {
    const url = `http://127.0.0.1:${gateway.proxy}/stripe-payments/v1/payment_intents`;
    const body = new URLSearchParams({ amount: String(units * 100), currency: 'usd' });
    const answer = await fetch(url, { method: 'POST', body });
    return { status: answer.status, code: ((await answer.json()) as { code?: string }).code ?? '' };
  }

  /** The bundle of `sequence` decides, and no other. */
  async function expectInForce(): Promise<void> {
    const reached = tool.reached.length;
    expect((await pay(capOf(sequence))).status).toBe(200);
    expect(await pay(capOf(sequence) + 1)).toEqual({ status: 403, code: 'ABOVE_MAXIMUM' });
    expect(tool.reached).toHaveLength(reached + 1);
    tool.reached.length = 0;
    expect((await health(gateway)).bundle).toMatchObject({ state: 'active', sequence });
    expect(await metric(gateway, 'aegis_gateway_bundle_sequence')).toBe(sequence);
  }

  async function putGood(): Promise<void> {
    sequence++;
    place.put(good(sequence));
    const stored = async (): Promise<boolean> => (await health(gateway)).bundle.stored === sequence;
    await until('the next bundle', stored);
    expect((await health(gateway)).bundle.sources.at(-1).error).toBeUndefined();
  }

  /** Health names the refusal. */
  async function refusal(): Promise<string> {
    const { sources } = (await health(gateway)).bundle;
    return sources.at(-1).error ?? '';
  }

  async function expectNothingPasses(): Promise<void> {
    expect(await pay(1)).toEqual({ status: 503, code: 'AEGIS_NO_BUNDLE' });
    const url = `http://127.0.0.1:${gateway.decisions}/v1/decisions`;
    const body = JSON.stringify({ agent: AGENT, tool: 'stripe-payments', action: 'get_payment', params: {} });
    const asked = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(asked.status).toBe(503);
    expect(await asked.json()).toMatchObject({ code: 'AEGIS_NO_BUNDLE', enforced: { verdict: 'deny' } });
    expect(tool.reached).toEqual([]);
    expect(await health(gateway)).toMatchObject({ live: true, ready: false, reason: 'no bundle', bundles: [] });
    expect([await probe(gateway, 'live'), await probe(gateway, 'ready')]).toEqual([200, 503]);
    expect(await metric(gateway, 'aegis_gateway_ready')).toBe(0);
  }

  test('without a bundle nothing passes, whatever is offered', async () => {
    await until('the start', async () => (await health(gateway)).reason === 'no bundle');
    await expectNothingPasses();
    place.put(sliceArchive(sign({ sequence: 1, issuedAt: now, key: STRANGER_KEY })));
    await until('the refusal', async () => (await refusal()) === 'AEGIS_BUNDLE_KEY_UNKNOWN');
    await expectNothingPasses();
  });

  test.each(BAD)('%s', async (__, make, code) => {
    // a good one before each, so that it is seen that refusals leave no mark
    while (sequence < 3) await putGood();
    await putGood();
    await expectInForce();
    const before = await metric(gateway, 'aegis_gateway_bundle_refusals_total');
    place.put(make(sequence + 1));
    await until(`a refusal with ${code}`, async () => code.test(await refusal()));
    expect((await health(gateway)).bundle.last_error.code).toMatch(code);
    expect(await metric(gateway, 'aegis_gateway_bundle_refusals_total')).toBeGreaterThan(before);
    expect(await probe(gateway, 'ready')).toBe(200);
    await expectInForce();
  });
});
