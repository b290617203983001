import type { RedactObligation } from '../../policy/decision/types.ts';

/** What a found text becomes; the same for requests and responses. */

export type RedactOp = RedactObligation['op'];

export const REDACTED = '[REDACTED]';
const SHOWN = 4;

/** All but the last four characters of what is long enough to stay unknown in spite of them. */
export function mask(text: string): string {
  const characters = [...text];
  const shown = characters.length > 2 * SHOWN ? SHOWN : 0;
  return '*'.repeat(characters.length - shown) + characters.slice(characters.length - shown).join('');
}

export function replaceText(text: string, op: RedactOp, hash: (text: string) => string): string {
  if (op === 'mask') return mask(text);
  if (op === 'hash') return hash(text);
  return op === 'drop' ? '' : REDACTED;
}

const STRENGTH: Record<RedactOp, number> = { mask: 0, hash: 1, redact: 2, drop: 3 };

/** The op that shows less. */
export function stricter(a: RedactOp, b: RedactOp): RedactOp {
  return STRENGTH[a] >= STRENGTH[b] ? a : b;
}
