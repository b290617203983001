import { RE2JS } from 're2js';

/**
 * Which patterns a policy may use: RE2 syntax (https://github.com/google/re2/wiki/Syntax) as Go's regexp and re2js both
 * understand it, small enough to match quickly. Stock OPA matches with Go, the gateway with re2js; a pattern on which
 * the two could differ is refused here, so that `opa eval` and the gateway always decide alike.
 */

export const MAX_PATTERN_LENGTH = 512;
/** Compiled instructions; matching costs at most this many steps for each character. */
export const MAX_PATTERN_PROGRAM = 2_000;

/** Unicode classes with the same members in Go 1.26 (Unicode 15) and re2js (Unicode 17); all others have grown since. */
const STABLE_CLASSES = new Set(
  `Any Lt Me No Pc Ps Pe Pi Pf Sk Z Zs Zl Zp Cc Cf Co Greek Hiragana Katakana Hebrew Thai Hangul Devanagari`.split(' '),
);

/** Up to here both engines fold case alike; beyond, newer Unicode versions have added pairs. */
const LAST_STABLE_FOLD = 0x17f;

export type PatternCheck = { ok: true } | { ok: false; error: string };

function differsInUnicodeClass(pattern: string): string | undefined {
  for (const [, braced, single] of pattern.matchAll(/\\[pP](?:\{\^?([^}]*)\}?|(.))/gsu)) {
    const name = braced ?? single ?? '';
    if (!STABLE_CLASSES.has(name)) return `the Unicode class ${name} differs between engines; write ranges instead`;
  }
  return undefined;
}

function differsInCaseFolding(pattern: string): string | undefined {
  if (!/\(\?[A-Za-z-]*i/u.test(pattern)) return undefined;
  for (const character of pattern) {
    if ((character.codePointAt(0) as number) > LAST_STABLE_FOLD) return 'with (?i), write no characters beyond U+017F';
  }
  for (const [, hex] of pattern.matchAll(/\\x\{([0-9A-Fa-f]+)\}/gu)) {
    if (Number.parseInt(hex as string, 16) > LAST_STABLE_FOLD) return 'with (?i), write no characters beyond U+017F';
  }
  return /\\[0-7]{3}/u.test(pattern) ? 'with (?i), write no octal escapes' : undefined;
}

/**
 * May a policy use this pattern? Pure, deterministic and bounded in time by the limits above.
 * @returns `{ok: false, error}` with one sentence for the author, without echoing the pattern.
 */
export function checkPattern(pattern: string): PatternCheck {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return { ok: false, error: `a pattern has at most ${MAX_PATTERN_LENGTH} characters` };
  }
  if (!pattern.isWellFormed()) return { ok: false, error: 'the pattern holds an unpaired surrogate' };
  const difference = differsInUnicodeClass(pattern) ?? differsInCaseFolding(pattern);
  if (difference !== undefined) return { ok: false, error: difference };
  try {
    // Not programSize(): that is what C++ would count, and it leaves out what the matcher walks through.
    const size = (RE2JS.compile(pattern).re2Input as { numberOfInstructions(): number }).numberOfInstructions();
    if (size > MAX_PATTERN_PROGRAM) return { ok: false, error: 'the pattern is too complex; use fewer repetitions' };
    return { ok: true };
  } catch (error) {
    const text = error instanceof Error ? error.message : 'invalid';
    return {
      ok: false,
      error: `not RE2 syntax: ${text.replace(/: `.*$/su, '').replace('error parsing regexp: ', '')}`,
    };
  }
}
