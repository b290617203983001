import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { ArchiveCache } from '../../../operator/bundles/archive-cache.ts';
import { bootstrapData } from '../../../operator/bundles/bootstrap-data.ts';
import { CommittedBundle } from '../../../operator/bundles/committed-bundle.ts';
import { packArchive } from '../../../operator/bundles/slice-archive.ts';
import { gunzip } from '../../../policy/bundle/gzip.ts';
import { parseKeyRing } from '../../../policy/bundle/key-ring.ts';
import { SLICE_LIMITS } from '../../../policy/bundle/limits.ts';
import { isShardEntry, joinShards } from '../../../policy/bundle/shards.ts';
import { sliceBundle } from '../../../policy/bundle/slice-bundle.ts';
import { readTar, writeTar } from '../../../policy/bundle/tar.ts';
import { verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import { AegisError } from '../../../policy/errors.ts';
import { AGENT, crypto, makeContent, makeSigned, RING, verifyOptions } from '../../policy/bundle/fixtures.ts';

const IDENTITY = { name: 'fintech', uid: 'uid-1' };
const bundleOf = (signed: ReturnType<typeof makeSigned>, bytes = 1e6): CommittedBundle =>
  new CommittedBundle(IDENTITY, signed, { crypto, archives: new ArchiveCache(bytes) });
const random = (length: number): string => randomBytes(length).toString('base64');

test('gateways read it, and it holds exactly the files', () => {
  const name = fc.constantFrom('.manifest', 'aegis/agents/a/data.json', 'manifest.json', 'policy.wasm', 'proof.json');
  fc.assert(
    fc.property(fc.dictionary(name, fc.uint8Array({ maxLength: 3000 })), (input) => {
      const files = new Map(Object.entries(input).map(([key, bytes]) => [key, { bytes: Uint8Array.from(bytes) }]));
      const tar = gunzip(packArchive(files), SLICE_LIMITS);
      expect(tar).toEqual(writeTar(new Map([...files].map(([key, { bytes }]) => [key, bytes]))));
      expect(readTar(tar, SLICE_LIMITS).size).toBe(files.size);
      // parts that were made before are put together the same way
      expect(packArchive(files)).toEqual(packArchive(files));
    }),
    { numRuns: 40 },
  );
});

test('a slice verifies, for its agent only; nobody else has one', () => {
  const bundle = bundleOf(makeSigned());
  const archive = bundle.archive(AGENT) as Uint8Array;
  const options = verifyOptions({ agentId: AGENT, tenantUid: 'uid-1', limits: SLICE_LIMITS });
  expect(verifyBundle(archive, options).kind).toBe('slice');
  expect(() => verifyBundle(archive, { ...options, agentId: 'planner-agent' })).toThrow(AegisError);
  for (const agent of ['nobody', '', '..', '../x', 'finance-agent/..']) {
    expect(bundle.archive(agent)).toBeUndefined();
    expect(bundle.slice(agent)).toBeUndefined();
  }
  expect(bundle.agents).toEqual(new Set([AGENT, 'planner-agent']));
  expect(bundle.archive(AGENT)).toBe(archive);
});

test('a slice of more than 1 MiB, compressed, is served whole; as a bootstrap copy it is refused with a code', () => {
  const content = makeContent({ agents: { [AGENT]: { text: random(1_500_000) }, small: {} } });
  const bundle = bundleOf(makeSigned({}, content), 1e7);
  const archive = bundle.archive(AGENT) as Uint8Array;
  expect(archive.length).toBeGreaterThan(1024 * 1024);
  expect(verifyBundle(archive, verifyOptions({ agentId: AGENT, limits: SLICE_LIMITS })).kind).toBe('slice');
  expect(() => bootstrapData(bundle, AGENT, { ring: RING, caPem: '' }, crypto)).toThrow(
    expect.objectContaining({ code: 'AEGIS_BOOTSTRAP_TOO_LARGE' }),
  );
});

test.each([1_000, 950_000])('the bootstrap copy is what a mounted bundle looks like (%i bytes of noise)', (length) => {
  const content = makeContent({ agents: { [AGENT]: { text: random(Math.round(length / 1.1)) } } });
  const bundle = bundleOf(makeSigned({}, content), 1e7);
  const { data, binaryData } = bootstrapData(bundle, AGENT, { ring: RING, caPem: 'CERTIFICATE' }, crypto);
  const entries = new Map<string, Uint8Array>();
  for (const [key, text] of Object.entries(data)) entries.set(key, new TextEncoder().encode(text));
  for (const [key, text] of Object.entries(binaryData)) entries.set(key, new Uint8Array(Buffer.from(text, 'base64')));
  const others = [...entries.keys()].filter((key) => !isShardEntry(key));
  expect(others.sort()).toEqual(['ca.crt', 'keyring.json']);
  const verified = verifyBundle(joinShards(entries, SLICE_LIMITS, crypto), verifyOptions({ agentId: AGENT }));
  expect(verified.agentData).toEqual(content.files.get(`aegis/agents/${AGENT}/data.json`)?.bytes);
  expect(parseKeyRing(data['keyring.json'] ?? '', crypto).keys).toEqual(RING.keys);
  expect(data['ca.crt']).toBe('CERTIFICATE');
  expect(Object.keys(binaryData).length).toBe(length > 768 * 1024 ? 2 : 1);
});

test('packing a slice again costs little: the engine is compressed once', () => {
  const wasm = new Uint8Array(200_000).map((_, i) => (i * i) & 255);
  const files = (n: number) =>
    new Map([
      ['policy.wasm', { bytes: wasm }],
      ['proof.json', { bytes: Uint8Array.of(n) }],
    ]);
  packArchive(files(0));
  const started = performance.now();
  for (let n = 0; n < 50; n++) packArchive(files(n));
  expect((performance.now() - started) / 50).toBeLessThan(5); // compressing it takes several times as long
});

test('the cache is bounded, keeps what is asked for, and forgets heads that are gone', () => {
  const cache = new ArchiveCache(100);
  const make = (n: number) => () => new Uint8Array(40).fill(n);
  const first = cache.of('e', 'a', make(1));
  cache.of('e', 'b', make(2));
  expect(cache.of('e', 'a', make(9))).toBe(first);
  cache.of('f', 'c', make(3));
  expect(cache.bytes).toBe(80);
  expect(cache.of('e', 'a', make(9))).toBe(first);
  expect(cache.of('e', 'b', make(4))[0]).toBe(4);
  cache.drop('e');
  expect(cache.bytes).toBe(0);
});

test('slices of the same bundle differ in what they prove only', () => {
  const signed = makeSigned();
  const [a, b] = [AGENT, 'planner-agent'].map((agent) => sliceBundle(signed, agent, crypto).files) as [
    Map<string, unknown>,
    Map<string, unknown>,
  ];
  expect([...a.keys()].filter((name) => a.get(name) === b.get(name)).sort()).toEqual(
    ['.manifest', 'aegis/tenant/data.json', 'manifest.json', 'policy.wasm'].sort(),
  );
});
