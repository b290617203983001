import { eachMatch, type Findings } from './detector.ts';

/**
 * Data that only a label before it tells apart from other numbers and words: `MRN: 12345`, `<dob>1970-01-01</dob>`,
 * `"password": "..."`. Between label and value may stand a word such as `number`, quotes, a few tags and separators.
 */
export interface LabelledData {
  /** Finds a label; made by `labelPattern`. */
  label: RegExp;
  /** Sticky: the value. */
  value: RegExp;
  /** Characters within which a value may grow into a longer one although something stands behind it. */
  longest?: number;
  /** Refuses a value that only looks like one; `gap` is what stands between label and value. */
  accepts?(value: string, gap: string, label: string): boolean;
}

const GAP =
  /s?(?:[ _.-]?(?:number|num|no|nr|id|value|code|is|was|on|in)){0,2}[\s"'\])}.]{0,4}(?:<[^<>]{0,40}>\s{0,4}){0,4}[:=#>|-]{0,3}[\s"'({[]{0,6}/iy;
/** Characters from the beginning of a label within which its value must begin. */
const REACH = 320;

/**
 * An expression for phrases. A space in a phrase is a space, dash, underscore, or nothing; `^` before it forbids letters
 * and digits before the label, which short words need.
 */
export function labelPattern(phrases: readonly string[]): RegExp {
  const sources = [...phrases]
    .sort((a, b) => b.length - a.length)
    .map((phrase) => {
      const words = phrase.replace('^', '').replaceAll(/[.#+]/g, '\\$&').replaceAll(' ', '[ _-]?');
      return phrase.startsWith('^') ? `(?<![a-z0-9])${words}` : words;
    });
  return new RegExp(`(?:${sources.join('|')})`, 'gi');
}

/** All beginnings of the phrases, in lower case: a text that ends with one may go on to be a label. */
export function labelBeginnings(phrases: readonly string[]): ReadonlySet<string> {
  const beginnings = new Set<string>();
  for (const phrase of phrases) {
    const [first = '', ...words] = phrase.replace('^', '').split(' ');
    let spellings = [first];
    for (const word of words)
      spellings = spellings.flatMap((before) => ['', ' ', '-', '_'].map((sep) => before + sep + word));
    for (const spelling of spellings) {
      for (let length = 1; length <= spelling.length; length += 1) beginnings.add(spelling.slice(0, length));
    }
  }
  return beginnings;
}

const LONGEST_LABEL = 40;

/** Where a label begins that the text may end in. */
export function unfinishedLabel(text: string, beginnings: ReadonlySet<string>): number {
  const tail = text.slice(-LONGEST_LABEL).toLowerCase();
  for (let start = 0; start < tail.length; start += 1) {
    if (beginnings.has(tail.slice(start))) return text.length - tail.length + start;
  }
  return text.length;
}

/** Reports the values behind labels; returns the earliest label whose value may still change. */
export function scanLabelled(text: string, from: number, data: LabelledData, found: Findings): number {
  let settled = text.length;
  eachMatch(data.label, text, from, ({ index, 0: label }) => {
    GAP.lastIndex = index + label.length;
    const gap = GAP.exec(text)?.[0] ?? '';
    const start = index + label.length + gap.length;
    data.value.lastIndex = start;
    const value = data.value.exec(text)?.[0];
    const end = start + (value?.length ?? 0);
    const reach = value === undefined ? index + REACH : start + (data.longest ?? 0);
    const open = end === text.length || reach > text.length;
    if (open) settled = Math.min(settled, index);
    if (value === undefined || !(data.accepts?.(value, gap, label) ?? true)) return;
    found.match(start, end, index);
    if (open) found.partial(start);
  });
  return settled;
}
