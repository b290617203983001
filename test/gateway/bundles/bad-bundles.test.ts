/** Design section 13: a bad bundle is refused wherever it comes from, the last good one stays, and the status says so. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Activations } from '../../../gateway/activation/activations.ts';
import { type RunningBundles, startBundles } from '../../../gateway/bundles/start-bundles.ts';
import { HEAD_FILE, PROOF_FILE, WASM_FILE } from '../../../policy/bundle/file-names.ts';
import { gzip } from '../../../policy/bundle/gzip.ts';
import { SLICE_LIMITS } from '../../../policy/bundle/limits.ts';
import type { SignOptions } from '../../../policy/bundle/sign-bundle.ts';
import { readTar, writeTar } from '../../../policy/bundle/tar.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { type Files, PLACES, type Place } from './places.ts';
import {
  AGENT,
  HOUR,
  payment,
  STRANGER_KEY,
  sign,
  sliceArchive,
  sliceFiles,
  TENANT,
  temporaryFolder,
  UID,
  until,
  writeKeys,
} from './publisher.ts';

const now = Date.now();
const good = (sequence: number, options: Partial<SignOptions> & { cap?: number } = {}): Map<string, Uint8Array> =>
  sliceFiles(sign({ sequence, issuedAt: now - 1_000, ...options }));

const changed = (files: Files, name: string, change: (bytes: Uint8Array) => Uint8Array): Files =>
  new Map(files).set(name, change(files.get(name) as Uint8Array));
const flipped = (bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] as number) ^ 1;
  return copy;
};
const without = (files: Files, ...names: string[]): Files =>
  new Map([...files].filter(([name]) => !names.includes(name)));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytesOf = (value: string): Uint8Array => new TextEncoder().encode(value);

const BAD_FILES: readonly (readonly [string, () => Files, RegExp])[] = [
  [
    'signed by a stranger',
    () => sliceFiles(sign({ sequence: 6, issuedAt: now, key: STRANGER_KEY, cap: 9000 })),
    /KEY_UNKNOWN/,
  ],
  [
    'forged: a higher sequence written into the head',
    () => changed(good(5), HEAD_FILE, (head) => bytesOf(text(head).replace('"sequence":5', '"sequence":6'))),
    /SIGNATURE_INVALID/,
  ],
  [
    'forged: other data under a good head',
    () => changed(good(6), `aegis/agents/${AGENT}/data.json`, (data) => bytesOf(text(data).replace('5000', '9000'))),
    /PROOF/,
  ],
  ['forged: another engine', () => changed(good(6), WASM_FILE, flipped), /PROOF/],
  [
    'stripped of the signature in the head',
    () => changed(good(6), HEAD_FILE, (head) => bytesOf(text(head).replace(/"signature":"[^"]+"/, '"signature":""'))),
    /SIGNATURE_MISSING/,
  ],
  ['stripped of the head', () => without(good(6), HEAD_FILE), /SIGNATURE_MISSING/],
  ['stripped of the proofs', () => without(good(6), PROOF_FILE), /SIGNATURE_MISSING/],
  ['stripped of a file', () => without(good(6), 'aegis/tenant/data.json'), /FILE_MISSING/],
  ['with a file more', () => new Map(good(6)).set('patch.json', bytesOf('{}')), /DELTA/],
  ['replayed: an older sequence', () => good(4), /SEQUENCE/],
  ['replayed: other content of the same sequence', () => good(5, { cap: 9000 }), /SEQUENCE_CONFLICT/],
  ['expired', () => good(6, { issuedAt: now - 3 * HOUR, timestamp: now - 3 * HOUR, expiresAt: now - HOUR }), /EXPIRED/],
  ['of the future', () => good(6, { issuedAt: now + HOUR }), /FUTURE/],
  ["another tenant's", () => good(6, { tenant: { name: 'ehr', uid: UID } }), /TENANT/],
  ['of a tenant with another uid', () => good(6, { tenant: { name: TENANT, uid: 'uid-9' } }), /TENANT_UID/],
  ["another agent's slice", () => sliceFiles(sign({ sequence: 6, issuedAt: now }), 'planner-agent'), /AGENT/],
];

const BAD_ARCHIVES: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
  ['truncated', () => sliceArchive(sign({ sequence: 6, issuedAt: now })).slice(0, 20_000), /TRUNCATED|CORRUPT/],
  ['damaged', () => flipped(sliceArchive(sign({ sequence: 6, issuedAt: now }))), /CORRUPT|TRUNCATED|LINK|PATH/],
  ['empty', () => new Uint8Array(), /TRUNCATED/],
  ['not an archive', () => bytesOf('<html>maintenance</html>'), /CORRUPT/],
  ['a decompression bomb', () => gzip(new Uint8Array(SLICE_LIMITS.maxTotalBytes + 1)), /TOO_LARGE/],
];

describe.each(PLACES)('from %s', (_, open) => {
  let folder: ReturnType<typeof temporaryFolder>;
  let place: Place;
  let running: RunningBundles;
  let activations: Activations;
  let sequence = 5;

  beforeAll(async () => {
    folder = temporaryFolder();
    place = await open(folder.path);
    activations = new Activations();
    await place.put(good(5));
    running = await startBundles({
      activations,
      crypto: nodeCrypto,
      tenant: TENANT,
      tenantUid: UID,
      agentId: AGENT,
      keyFiles: [writeKeys(folder.path)],
      stateDir: join(folder.path, 'state'),
      sources: [place.settings],
      random: () => 0.01,
    });
    await until(() => running.status().stored === 5, 'the first bundle on disk');
  });

  afterAll(async () => {
    await running.close();
    await place.close();
    folder.remove();
  });

  async function expectRefused(put: () => Promise<void>, code: RegExp): Promise<void> {
    const before = running.status();
    const seen = Object.values({ ...before.refusals }).reduce((sum, n) => sum + n, 0);
    await put();
    await until(
      () => {
        const { refusals, sources } = running.status();
        const more = Object.values(refusals).reduce((sum, n) => sum + n, 0) > seen;
        return more && code.test(sources.at(-1)?.lastError?.code ?? '');
      },
      `a refusal with ${code}, not ${JSON.stringify(running.status().sources.at(-1))}`,
    );
    const after = running.status();
    expect(after).toMatchObject({ state: 'active', active: { sequence: before.active?.sequence }, stored: sequence });
    const active = activations.get(TENANT);
    expect(active?.sequence).toBe(before.active?.sequence);
    expect(active?.evaluate(payment(4999)).enforced.verdict).toBe('allow');
    expect(active?.evaluate(payment(5001)).enforced.verdict).toBe('approval_needed');
    const kept = readTar(new Uint8Array(readFileSync(join(folder.path, 'state/last-known-good.tar'))), SLICE_LIMITS);
    expect(text(kept.get(HEAD_FILE) as Uint8Array)).toContain(`"sequence":${sequence}`);
  }

  test.each(BAD_FILES)('%s', async (__, files, code) => {
    await expectRefused(() => place.put(files()), code);
  });

  test.each(BAD_ARCHIVES)('an archive that is %s', async (__, archive, code) => {
    if (place.putArchive === undefined) return;
    const { putArchive } = place;
    await expectRefused(() => putArchive(archive()), code);
  });

  test('oversized', async () => {
    await expectRefused(() => place.putOversized(), /TOO_LARGE/);
  });

  test('and a good one after all of them', async () => {
    sequence = 7;
    await place.put(good(7));
    await until(() => running.status().stored === 7, 'the next good bundle', 20_000);
    expect(running.status().sources.at(-1)?.lastError).toBeUndefined();
  });
});

test('files read back from a tar are what was written', () => {
  const files = good(5);
  expect(readTar(writeTar(files), SLICE_LIMITS)).toEqual(new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))));
});
