import { checkPattern, MAX_PATTERN_LENGTH } from '../../../policy/regex/check-pattern.ts';

describe('a pattern may be used', () => {
  test.each([
    ['^[a-z ]+$'],
    ['^INV-[0-9]{4,8}$'],
    ['(?i)^(?:GET|HEAD)$'],
    ["^[A-Za-zÀ-ÿ' -]{1,80}$"],
    ['(?i)^[à-ÿ]+$'],
    ['\\p{Greek}+'],
    ['^\\x{1F600}$'],
    ['\\bword\\b'],
    ['^.{1,500}$'],
    [''],
  ])('%j', (pattern) => {
    expect(checkPattern(pattern)).toEqual({ ok: true });
  });
});

describe('a pattern is refused', () => {
  test.each([
    ['(a', /RE2 syntax/],
    ['(?=a)', /RE2 syntax/],
    ['(a)\\1', /RE2 syntax/],
    ['a{1001}', /RE2 syntax/],
    ['(?P<n>a)(?P<n>b)', /RE2 syntax/],
    ['a'.repeat(MAX_PATTERN_LENGTH + 1), /at most 512/],
    ['(?:abcdefgh){1000}', /too complex/],
    ['\ud800', /surrogate/],
    ['\\p{L}+', /Unicode class L /],
    ['\\pL', /Unicode class L /],
    ['[^\\PN]', /Unicode class N /],
    ['\\p{greek}', /Unicode class greek /],
    ['\\p{Latn}', /Unicode class Latn /],
    ['\\p{^Lu}', /Unicode class Lu /],
    ['(?i)ƛ', /\(\?i\)/],
    ['(?s-m)(?si:\\x{A7DC})', /\(\?i\)/],
    ['(?i)\\633', /octal/],
  ])('%j', (pattern, error) => {
    expect(checkPattern(pattern)).toEqual({ ok: false, error: expect.stringMatching(error) });
  });

  test('without echoing it', () => {
    const result = checkPattern('secret(');
    expect(JSON.stringify(result)).not.toContain('secret');
  });
});
