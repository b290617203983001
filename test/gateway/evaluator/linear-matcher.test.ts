import fc from 'fast-check';
import { RE2JS } from 're2js';
import { compileMatcher, type LinearMatcher, type Program } from '../../../gateway/evaluator/linear-matcher.ts';
import { patterns, texts } from './patterns.ts';

function matcherOf(pattern: string): LinearMatcher | undefined {
  return compileMatcher((RE2JS.compile(pattern).re2Input as { prog: Program }).prog);
}

function test1(matcher: LinearMatcher, text: string): boolean | undefined {
  const bytes = new TextEncoder().encode(`<${text}>`);
  return matcher.test(bytes, 1, bytes.length - 1);
}

function compiles(pattern: string): boolean {
  try {
    RE2JS.compile(pattern);
    return true;
  } catch {
    return false;
  }
}

describe('the matcher', () => {
  test('agrees with re2js', () => {
    let known = 0;
    const word = fc.oneof(
      texts,
      fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed()),
    );
    fc.assert(
      fc.property(patterns.filter(compiles), fc.array(word, { maxLength: 4 }), (pattern, words) => {
        const matcher = matcherOf(pattern);
        if (matcher === undefined) return;
        known++;
        const engine = RE2JS.compile(pattern);
        for (const text of words) {
          const found = engine.exec(text);
          expect([pattern, text, test1(matcher, text)]).toEqual([pattern, text, found !== null]);
          if (found !== null && matcher.wholeText) expect(found[0]).toBe(text);
        }
      }),
      { numRuns: 4_000 },
    );
    expect(known).toBeGreaterThan(1_500);
  });

  test('knows when every match is the whole text', () => {
    const whole = ['^[a-z ]+$', '^$', '\\Aa\\z', '^(?:a|b)$', '(^a$)', '^a$|^b$', '^(?P<x>a+)$'];
    const part = ['a', '^a', 'a$', '^a|b$', '^a*', '$', '^', '(^a$)|b', '^a(?:$|b)'];
    for (const pattern of whole) expect([pattern, matcherOf(pattern)?.wholeText]).toEqual([pattern, true]);
    for (const pattern of part) expect([pattern, matcherOf(pattern)?.wholeText]).toEqual([pattern, false]);
  });

  test('leaves to re2js what it does not know', () => {
    for (const pattern of ['\\ba', '\\B', '(?m)^a', '(?m)a$', '(?i)é']) expect(matcherOf(pattern)).toBeUndefined();
  });

  test('tells every code point apart', () => {
    const classes = [
      '^[\\x{80}-\\x{7FF}]$',
      '^[\\x{800}-\\x{FFFF}]$',
      '^[\\x{10000}-\\x{10FFFF}]$',
      '^[^a]$',
      '^(?i)[ks]$',
      '^.$',
    ];
    for (const pattern of classes) {
      const matcher = matcherOf(pattern) as LinearMatcher;
      const engine = RE2JS.compile(pattern);
      for (let code = 0; code <= 0x10ffff; code += code < 0x3000 ? 1 : 97) {
        if (code >= 0xd800 && code < 0xe000) continue;
        const text = String.fromCodePoint(code);
        if (test1(matcher, text) !== engine.test(text)) throw new Error(`${pattern} differs on ${code.toString(16)}`);
      }
    }
  });

  test('gives up, rather than grow, when a pattern needs too many states', () => {
    const matcher = matcherOf('^(a|b)*a(a|b){14}$') as LinearMatcher;
    let random = 1;
    let text = '';
    for (let i = 0; i < 20_000; i++) {
      random = (random * 48_271) % 2_147_483_647;
      text += random & 64 ? 'a' : 'b';
    }
    expect(test1(matcher, text)).toBeUndefined();
    expect(test1(matcher, 'c')).toBe(false);
  });
});
