/** Longest message of a condition, a warning or an event, in bytes of UTF-8. */
export const MAX_MESSAGE = 1024;

const encoder = new TextEncoder();

export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/**
 * One line of well-formed text of at most `max` bytes, cut between characters. What the API server would store
 * differently (lone surrogates) is replaced, because a status must read back as it was written; so are characters that
 * a terminal would obey.
 */
export function clipText(text: string, max: number = MAX_MESSAGE): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  if (line.length * 3 <= max || byteLength(line) <= max) return line;
  let room = max - 3;
  let clipped = '';
  for (const character of line) {
    room -= byteLength(character);
    if (room < 0) break;
    clipped += character;
  }
  return `${clipped.trimEnd()}…`;
}

/** `head` clipped so that the whole of `tail` follows it. */
export function clipWith(head: string, tail: string): string {
  const end = clipText(tail, MAX_MESSAGE / 2);
  if (end === '') return clipText(head);
  return `${clipText(head, MAX_MESSAGE - byteLength(end) - 1)} ${end}`;
}
