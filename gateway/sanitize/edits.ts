import { type RedactOp, stricter } from './replace-text.ts';

/** A change of a raw text. */
export interface Edit {
  start: number;
  end: number;
  text: string;
  /** What the change carries out; decides where two overlap. */
  op: RedactOp;
}

/** The text with its changes made. They are ascending and do not overlap; `from` is the position of the first character. */
export function applyEdits(raw: string, edits: readonly Edit[], from = 0): string {
  if (edits.length === 0) return raw;
  let result = '';
  let copied = 0;
  for (const { start, end, text } of edits) {
    result += raw.slice(copied, start - from) + text;
    copied = end - from;
  }
  return result + raw.slice(copied);
}

/** Joins what overlaps: the stricter change stands for both, the earlier one where they are alike. */
export function joinEdits(edits: Edit[]): Edit[] {
  if (edits.length < 2) return edits;
  const joined: Edit[] = [];
  for (const edit of edits.sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = joined.at(-1);
    if (last === undefined || edit.start >= last.end) {
      joined.push({ ...edit });
      continue;
    }
    last.end = Math.max(last.end, edit.end);
    if (last.op !== edit.op && stricter(last.op, edit.op) === edit.op)
      Object.assign(last, { op: edit.op, text: edit.text });
  }
  return joined;
}
