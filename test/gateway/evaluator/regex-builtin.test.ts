import fc from 'fast-check';
import { PatternCache } from '../../../gateway/evaluator/regex-builtin.ts';
import { createEvaluator } from '../../../gateway/evaluator/wasm-evaluator.ts';
import { checkPattern } from '../../../policy/regex/check-pattern.ts';
import { compilePolicy, evaluateWithOpa } from './opa.ts';
import { counts, patterns, texts } from './patterns.ts';

type Case = [pattern: unknown, value: unknown, count: unknown];

const engine = compilePolicy('regex');
const dataPatterns = ['^[a-z ]+$', '^.{1,3}$', 'a', '^(?:a|é)*$', '^$', '(?i)^k+$', '(?m)^a$', '(', 'a*'];
const data = JSON.stringify({ patterns: dataPatterns });

function compare(cases: Case[]): void {
  const evaluator = createEvaluator({ module: engine, data });
  const inputs: string[] = [];
  for (let i = 0; i < cases.length; i += 40) inputs.push(JSON.stringify({ cases: cases.slice(i, i + 40) }));
  const expected = evaluateWithOpa('regex', inputs, data);
  for (const [i, input] of inputs.entries()) {
    const actual = evaluator.evaluate(input);
    // The first time and the next, when everything is cached.
    expect({ input, actual }).toEqual({ input, actual: expected[i] });
    expect(evaluator.evaluate(input)).toEqual(actual);
  }
}

describe('regex.find_n answers as stock opa does', () => {
  test('for whole texts, ends and newlines', () => {
    const values = ['', 'abc', 'abc\n', '\n', 'a b', 'ABC', 'é', 'ab\ncd', 'a'.repeat(200), 'ÿ\u0100', '日本', '😀'];
    const list = [
      '^[a-z ]+$',
      '^$',
      '$',
      '^',
      '^[a-z]*$',
      'c$',
      '\\Aabc\\z',
      '^.+$',
      '(?s)^.+$',
      '(?m)^.+$',
      '^[^a]$',
      '.',
    ];
    compare(list.flatMap((p) => values.flatMap((v) => [1, -1, 2].map((n): Case => [p, v, n]))));
  });

  test('for wrong types, wrong counts and invalid patterns', () => {
    const values = ['a', 'aa', 1, null, ['a'], { a: 1 }, true];
    const list = ['a', '^a$', '(', 'a{1001}', '(?=a)', 7, null, ['a'], '\\p{greek}x)'];
    const numbers = [1, 0, -1, -7, 3, 1.5, '1', null, 2 ** 40];
    compare(list.flatMap((p) => values.flatMap((v) => numbers.map((n): Case => [p, v, n]))));
  });

  test('for random patterns and texts', () => {
    // Patterns that a policy may not use are out, but those that are invalid in both engines stay in.
    const foreign = /\\p\{?[gA-Z]|\(\?P?<n>.*\(\?P?<n>|K|ſ/su;
    const cases = fc.sample(fc.tuple(patterns, texts, counts), { numRuns: 12_000, seed: 7 });
    const usable = cases.filter(([p]) => checkPattern(p).ok || !foreign.test(p));
    expect(usable.length).toBeGreaterThan(8_000);
    compare(usable as Case[]);
  }, 60_000);

  test('and is linear in the text', () => {
    const evaluator = createEvaluator({ module: engine, data: '{"patterns":[]}' });
    const text = `${'a'.repeat(20_000)}!`;
    for (const pattern of [
      '^(a+)+$',
      '^(a|a)*$',
      '^(a|aa)+$',
      '(a*)*b',
      '^(a|b|ab)*c$',
      '^.*.*.*=.*$',
      '(a|b)*a(a|b){12}$',
      '(a+)+!',
    ]) {
      const start = performance.now();
      evaluator.evaluate(JSON.stringify({ cases: [[pattern, text, 1]] }));
      expect(performance.now() - start).toBeLessThan(2_000);
    }
  });
});

describe('compiled patterns', () => {
  test('are kept, up to a bound, the least recently used falling out', () => {
    const cache = new PatternCache(3);
    const first = cache.get('a');
    cache.get('b');
    expect(cache.get('a')).toBe(first);
    cache.get('c');
    cache.get('d');
    expect(cache.size).toBe(3);
    expect(cache.get('a')).toBe(first);
    expect(cache.get('(')).toBeNull();
    expect(cache.get('(')).toBeNull();
    expect(cache.size).toBe(3);
  });
});
