import fc from 'fast-check';
import { DEFAULT_LIMITS } from '../../../policy/bundle/limits.ts';
import { isShardEntry, joinShards, MAX_SHARD_BYTES, shardBundle } from '../../../policy/bundle/shards.ts';
import { renewBundle } from '../../../policy/bundle/sign-bundle.ts';
import { sliceBundle } from '../../../policy/bundle/slice-bundle.ts';
import { verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import { AGENT, codeOf, crypto, filesOf, HOUR, KEY, makeSigned, T0, text, verifyOptions } from './fixtures.ts';

const signed = makeSigned();
const slice = sliceBundle(signed, AGENT, crypto);

function entriesOf(bundle: Parameters<typeof shardBundle>[0], size?: number): Map<string, Uint8Array> {
  const { head, index, shards } = shardBundle(bundle, crypto, size);
  return new Map([...head, ['index.json', index], ...shards]);
}

const join = (entries: ReadonlyMap<string, Uint8Array>, limits = DEFAULT_LIMITS) => joinShards(entries, limits, crypto);

test.each([
  ['bundle', signed],
  ['slice', slice],
])('a %s comes back whole, whatever the size of the shards', (_, bundle) => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 2_000 }), (size) => {
      const entries = entriesOf(bundle, size);
      for (const [key, bytes] of entries) {
        expect(key).toMatch(/^[-._a-zA-Z0-9]+$/); // what a ConfigMap takes
        expect(isShardEntry(key)).toBe(true);
        if (key.startsWith('shard-')) expect(bytes.length).toBeLessThanOrEqual(size);
      }
      expect(new Map([...join(entries)].sort())).toEqual(new Map([...filesOf(bundle)].sort()));
    }),
    { numRuns: 50 },
  );
  expect(verifyBundle(join(entriesOf(bundle)), verifyOptions({ agentId: AGENT })).kind).toBe(_);
});

test('a renewal changes the head and nothing else', () => {
  const renewed = renewBundle(signed, { issuedAt: T0 + HOUR / 2, expiresAt: T0 + 2 * HOUR }, KEY, crypto);
  for (const [before, after] of [
    [signed, renewed],
    [slice, sliceBundle(renewed, AGENT, crypto)],
  ] as const) {
    const [a, b] = [shardBundle(before, crypto), shardBundle(after, crypto)];
    expect(text(b.index)).toBe(text(a.index));
    expect([...b.shards.keys()]).toEqual([...a.shards.keys()]);
    expect(text(b.head.get('manifest.json'))).not.toBe(text(a.head.get('manifest.json')));
  }
});

test('shards of other bundles beside it do no harm', () => {
  const entries = new Map([...entriesOf(makeSigned({ sequence: 4 }), 100), ...entriesOf(slice, 100)]);
  expect(join(entries).get('manifest.json')).toEqual(slice.files.get('manifest.json')?.bytes);
});

describe('refused', () => {
  const entries = entriesOf(slice, 300);
  const shards = [...entries.keys()].filter((key) => key.startsWith('shard-'));
  const codeWith = (change: (copy: Map<string, Uint8Array>) => void) => {
    const copy = new Map(entries);
    change(copy);
    return codeOf(() => join(copy));
  };
  const index = (change: (json: { shards: string[]; version: number; sha256: string }) => void) => {
    const json = JSON.parse(text(entries.get('index.json')));
    change(json);
    return (copy: Map<string, Uint8Array>) =>
      copy.set('index.json', new TextEncoder().encode(JSON.stringify(json, Object.keys(json).sort())));
  };

  test.each([
    ['no index', (copy: Map<string, Uint8Array>) => copy.delete('index.json')],
    ['an index that is no JSON', (copy: Map<string, Uint8Array>) => copy.set('index.json', new Uint8Array([1]))],
    ['another version', index((json) => Object.assign(json, { version: 2 }))],
    ['no shards', index((json) => Object.assign(json, { shards: [] }))],
    ['a path for a shard', index((json) => Object.assign(json, { shards: ['../../etc/passwd'] }))],
    ['shards in another order', index((json) => json.shards.reverse())],
    ['a shard twice', index((json) => json.shards.push(json.shards[0] as string))],
    ['a shard missing', (copy: Map<string, Uint8Array>) => copy.delete(shards[0] as string)],
    ['a shard changed', (copy: Map<string, Uint8Array>) => copy.set(shards[1] as string, new Uint8Array(300))],
  ])('%s', (_, change) => {
    expect(codeWith(change)).toBe('AEGIS_BUNDLE_SHARDS');
  });

  test('more than the limits allow, before it is put together', () => {
    expect(codeOf(() => join(entries, { ...DEFAULT_LIMITS, maxArchiveBytes: 500 }))).toBe('AEGIS_BUNDLE_TOO_LARGE');
    expect(codeOf(() => join(entries, { ...DEFAULT_LIMITS, maxTotalBytes: 500 }))).toBe('AEGIS_BUNDLE_TOO_LARGE');
  });
});

test('a shard fits a ConfigMap of 1 MiB, in base64 too', () => {
  expect(Math.ceil(MAX_SHARD_BYTES / 3) * 4).toBeLessThanOrEqual(1024 * 1024);
});
