import fc from 'fast-check';
import { gzip } from '../../../policy/bundle/gzip.ts';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import { sliceBundle } from '../../../policy/bundle/slice-bundle.ts';
import { writeTar } from '../../../policy/bundle/tar.ts';
import { verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import { AGENT, codeOf, crypto, filesOf, makeSigned, verifyOptions } from './fixtures.ts';

const signed = makeSigned();
const cases = [
  ['bundle', signed, verifyOptions()] as const,
  ['slice', sliceBundle(signed, AGENT, crypto), verifyOptions({ agentId: AGENT })] as const,
];
const RUNS = { numRuns: 3000 };

describe.each(cases)('a %s', (_, bundle, options) => {
  const archive = packBundle(bundle);
  const files = filesOf(bundle);
  const tar = writeTar(files);
  const flip = (bytes: Uint8Array, at: number, mask: number) => {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] as number) ^ mask;
    return changed;
  };
  const mask = fc.integer({ min: 1, max: 255 });

  test('with any byte of any file changed is refused', () => {
    fc.assert(
      fc.property(fc.constantFrom(...files.keys()), fc.nat(), mask, (name, at, bits) => {
        const bytes = files.get(name) as Uint8Array;
        const changed = new Map(files).set(name, flip(bytes, at % bytes.length, bits));
        expect(codeOf(() => verifyBundle(changed, options))).toMatch(/^AEGIS_BUNDLE_/);
      }),
      RUNS,
    );
  });

  test('with any byte of its tar changed is refused', () => {
    fc.assert(
      fc.property(fc.nat(tar.length - 1), mask, (at, bits) => {
        expect(codeOf(() => verifyBundle(gzip(flip(tar, at, bits)), options))).toMatch(/^AEGIS_BUNDLE_/);
      }),
      RUNS,
    );
  });

  test('with any byte of its archive changed is refused, or unpacks to the very same files', () => {
    // deflate has a few spellings for the same data (e.g. lengths of codes that are never used)
    let same = 0;
    fc.assert(
      fc.property(fc.nat(archive.length - 1), mask, (at, bits) => {
        const changed = flip(archive, at, bits);
        const code = codeOf(() => verifyBundle(changed, options));
        if (code !== 'none') return;
        same++;
        const result = verifyBundle(changed, options);
        expect(new Map([...filesOf(result)].sort())).toEqual(new Map([...files].sort()));
      }),
      RUNS,
    );
    expect(same).toBeLessThan(RUNS.numRuns / 100);
  });

  test('cut anywhere is refused', () => {
    for (let length = 0; length < archive.length; length += 3) {
      expect(codeOf(() => verifyBundle(archive.subarray(0, length), options))).toMatch(/^AEGIS_BUNDLE_(TRUNC|CORRUPT)/);
    }
    for (let length = 0; length < tar.length; length += 61) {
      expect(codeOf(() => verifyBundle(gzip(tar.subarray(0, length)), options))).toBe('AEGIS_BUNDLE_TRUNCATED');
    }
  });

  test('with files added, removed or exchanged at random is refused', () => {
    const names = [...files.keys()];
    const name = fc.oneof(fc.constantFrom(...names, 'patch.json', 'data.json', '../x'), fc.string({ maxLength: 30 }));
    const change = fc.record({ name, from: fc.option(fc.constantFrom(...names)) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = new Map(files);
        for (const { name: to, from } of changes) {
          if (from === null) changed.delete(to);
          else changed.set(to, files.get(from) as Uint8Array);
        }
        const equal = changed.size === files.size && [...changed].every(([key, bytes]) => files.get(key) === bytes);
        fc.pre(!equal);
        // only the optional Rego source may be left out of a slice, and here it is
        expect(codeOf(() => verifyBundle(changed, options))).toMatch(/^AEGIS_BUNDLE_/);
      }),
      RUNS,
    );
  });
});
