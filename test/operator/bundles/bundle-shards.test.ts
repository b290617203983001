import fc from 'fast-check';
import { bucketCount, bucketOf } from '../../../operator/bundles/bucket.ts';
import {
  digestsOf,
  type Packed,
  pack,
  piecesOf,
  unpackEntries,
  unpackFiles,
} from '../../../operator/bundles/bundle-shards.ts';
import { MAX_PIECE, splitPayload, WHOLE_PIECE } from '../../../operator/bundles/split-payload.ts';
import type { StateEntry } from '../../../operator/model/committed.ts';
import { type ContentFile, rawFile } from '../../../policy/bundle/content-file.ts';
import { concatBytes, toHex } from '../../../policy/bundle/encoding.ts';
import { DEFAULT_LIMITS } from '../../../policy/bundle/limits.ts';
import { crypto, entry } from './world.ts';

type Files = Map<string, ContentFile>;
const file = (bytes: Uint8Array): ContentFile => rawFile(bytes, crypto);

const agentId = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const content = fc.uint8Array({ maxLength: 300 }).map((bytes) => file(Uint8Array.from(bytes)));
const files = fc
  .record({
    fixed: fc.dictionary(
      fc.constantFrom(
        '.manifest',
        'policy.rego',
        'policy.wasm',
        'aegis/tenant/data.json',
        'changes.json',
        '.signatures.json',
      ),
      content,
    ),
    agents: fc.dictionary(agentId, content, { maxKeys: 30 }),
  })
  .map(({ fixed, agents }): Files => {
    const named = Object.entries(agents).map(([id, data]) => [`aegis/agents/${id}/data.json`, data] as const);
    return new Map([...Object.entries(fixed), ...named]);
  });
const entries = fc
  .dictionary(fc.string({ minLength: 1, maxLength: 30 }), fc.jsonValue(), { maxKeys: 300 })
  .map((values) => new Map(Object.entries(values).map(([key, value]) => [key, entry(value)])));

/** What a reader makes of the groups, given their digests only. */
function join(packed: Packed, store: ReadonlyMap<string, Uint8Array>) {
  const found = { files: new Map<string, Uint8Array>(), entries: new Map<string, StateEntry>() };
  for (const [name, { digests }] of packed.groups) {
    const payload = concatBytes(...digests.map((digest) => store.get(digest) as Uint8Array));
    if (name.startsWith('state/')) for (const [key, value] of unpackEntries(payload)) found.entries.set(key, value);
    else for (const [key, bytes] of unpackFiles(payload, DEFAULT_LIMITS)) found.files.set(key, bytes);
  }
  return found;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('what is packed comes back whole', () => {
  fc.assert(
    fc.property(files, entries, (input, state) => {
      const { packed, fresh } = pack({ files: input, entries: state }, crypto);
      const found = join(packed, fresh);
      expect(new Map([...found.files].sort())).toEqual(
        new Map([...input].map(([name, { bytes }]) => [name, bytes] as const).sort()),
      );
      expect(plain([...found.entries].sort())).toEqual(plain([...state].sort()));
      for (const [digest, piece] of fresh) {
        expect(toHex(crypto.sha256(piece))).toBe(digest);
        expect(piece.length).toBeLessThanOrEqual(MAX_PIECE);
      }
      // made again, the pieces are the same
      for (const group of packed.groups.values()) {
        expect(piecesOf(group).map((piece) => toHex(crypto.sha256(piece)))).toEqual(group.digests);
      }
    }),
    { numRuns: 60 },
  );
});

test('one change touches one group; no change touches none', () => {
  fc.assert(
    fc.property(files, entries, fc.nat(), fc.boolean(), (input, state, which, inState) => {
      const first = pack({ files: input, entries: state }, crypto);
      expect(pack({ files: new Map(input), entries: new Map(state) }, crypto, first.packed).fresh.size).toBe(0);
      const [nextFiles, nextState] = [new Map(input), new Map(state)];
      if (inState && state.size > 0) {
        const key = [...state.keys()][which % state.size] as string;
        nextState.set(key, entry('another value'));
      } else if (input.size > 0) {
        const name = [...input.keys()][which % input.size] as string;
        nextFiles.set(name, file(Uint8Array.of(1, 2, 3, which & 255, 9)));
      } else return;
      const { packed, fresh } = pack({ files: nextFiles, entries: nextState }, crypto, first.packed);
      expect(fresh.size).toBeLessThanOrEqual(1);
      const store = new Map([...first.fresh, ...fresh]);
      expect(join(packed, store).files.size).toBe(nextFiles.size);
    }),
    { numRuns: 60 },
  );
});

test('the size of groups is bounded however many agents and entries there are, and does not swing', () => {
  const agents = (count: number, size: number): Files =>
    new Map(
      Array.from({ length: count }, (_, i) => {
        const bytes = new Uint8Array(size).map((_, at) => (at * 31 + i * 17) & 255);
        return [`aegis/agents/agent-${i}/data.json`, file(bytes)];
      }),
    );
  const state = (count: number) =>
    new Map(Array.from({ length: count }, (_, i) => [`AgentPolicy ns/p-${i}`, entry(i)]));
  const big = pack({ files: agents(400, 20_000), entries: state(10_000) }, crypto);
  expect(big.packed.counts).toEqual({ agents: 32, state: 128 });
  for (const group of big.packed.groups.values()) {
    const bytes = piecesOf(group).reduce((sum, piece) => sum + piece.length, 0);
    expect(bytes).toBeLessThan(3 * 256 * 1024);
    if ('entries' in group) expect(group.entries.size).toBeLessThan(3 * 128);
  }
  // a third fewer: the same buckets; a tenth is left: fewer
  const fewer = pack({ files: agents(270, 20_000), entries: state(6_000) }, crypto, big.packed);
  expect(fewer.packed.counts).toEqual(big.packed.counts);
  const few = pack({ files: agents(40, 20_000), entries: state(1_000) }, crypto, fewer.packed);
  expect(few.packed.counts).toEqual({ agents: 8, state: 16 });
});

test('the engine is one shard for all tenants', () => {
  const engine: [string, ContentFile][] = [
    ['policy.rego', file(Uint8Array.of(1))],
    ['policy.wasm', file(Uint8Array.of(2))],
  ];
  const of = (name: string) =>
    pack(
      {
        files: new Map([...engine, ['aegis/tenant/data.json', file(new TextEncoder().encode(name))]]),
        entries: new Map(),
      },
      crypto,
    ).packed;
  const shared = [...digestsOf(of('a'))].filter((digest) => digestsOf(of('b')).has(digest));
  expect(shared).toEqual(of('a').groups.get('engine')?.digests);
});

test('a number of buckets is a power of two, holds what it should, and keeps still in between', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 1000 }), fc.nat(12), (total, full, exponent) => {
      const count = bucketCount(total, full, 2 ** exponent);
      expect(Number.isInteger(Math.log2(count))).toBe(true);
      if (count < 4096) expect(total).toBeLessThanOrEqual(full * count);
      expect(bucketCount(total, full, count)).toBe(count);
    }),
  );
  const spread = Array.from({ length: 64 }, () => 0);
  for (let i = 0; i < 6400; i++) spread[bucketOf(`agent-${i}`, 64)] = (spread[bucketOf(`agent-${i}`, 64)] ?? 0) + 1;
  expect(Math.max(...spread)).toBeLessThan(160);
});

describe('long payloads', () => {
  const long = (length: number): Uint8Array => {
    let state = 12345;
    return Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1103515245) + 12345) | 0;
      return (state >>> 16) & 255;
    });
  };

  test('are cut where their content says so: an insertion changes one or two pieces', () => {
    const payload = long(3_000_000);
    const before = splitPayload(payload);
    expect(concatBytes(...before)).toEqual(payload);
    for (const piece of before) expect(piece.length).toBeLessThanOrEqual(MAX_PIECE);
    const at = 1_500_000;
    const after = splitPayload(concatBytes(payload.subarray(0, at), Uint8Array.of(1, 2, 3), payload.subarray(at)));
    const known = new Set(before.map((piece) => toHex(crypto.sha256(piece))));
    expect(after.filter((piece) => !known.has(toHex(crypto.sha256(piece)))).length).toBeLessThanOrEqual(2);
  });

  test('short ones stay whole, equal bytes are no trap', () => {
    expect(splitPayload(new Uint8Array(WHOLE_PIECE))).toHaveLength(1);
    expect(splitPayload(new Uint8Array(0))).toHaveLength(1);
    const zeros = splitPayload(new Uint8Array(2_000_000));
    expect(concatBytes(...zeros)).toEqual(new Uint8Array(2_000_000));
    for (const piece of zeros) expect(piece.length).toBeLessThanOrEqual(MAX_PIECE);
  });
});
