/** The line that a position is about, quoted with a mark below it. */
import type { SourceLocation } from '../../policy/errors.ts';
import type { Source } from '../../policy/source/load-sources.ts';

const WIDTH = 100;

/** Lines of the sources that were read. */
export class SourceLines {
  readonly #texts: Map<string, string>;
  readonly #lines = new Map<string, string[]>();

  constructor(sources: readonly Source[]) {
    this.#texts = new Map(sources.map(({ file, text }) => [file, text]));
  }

  line({ file, line }: SourceLocation): string | undefined {
    let lines = this.#lines.get(file);
    if (lines === undefined) {
      lines = (this.#texts.get(file) ?? '').replace(/^\uFEFF/, '').split('\n');
      this.#lines.set(file, lines);
    }
    return lines[line - 1];
  }

  /** Two lines: the source line with its number, and a mark below the column; none where the source is not known. */
  excerpt(location: SourceLocation): string[] {
    const line = this.line(location)?.replace(/\r$/, '');
    if (line === undefined || line.trim() === '') return [];
    const [shown, column] = window(line, location.column);
    const gutter = String(location.line).padStart(4);
    return [`${gutter} | ${plainText(shown)}`, `${' '.repeat(gutter.length)} | ${' '.repeat(column - 1)}^`];
  }
}

/** The part of a long line around the column, and the column in it. */
function window(line: string, column: number): [shown: string, column: number] {
  if (line.length <= WIDTH) return [line, Math.min(column, line.length + 1)];
  const start = Math.max(0, Math.min(column - 1 - WIDTH / 2, line.length - WIDTH));
  const head = start > 0 ? '…' : '';
  const tail = start + WIDTH < line.length ? '…' : '';
  return [`${head}${line.slice(start, start + WIDTH)}${tail}`, Math.min(column, line.length + 1) - start + head.length];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal must not be sent
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** One line without anything that a terminal would act on. */
export function plainText(text: string): string {
  return text.replace(CONTROL, (character) => (character === '\t' ? ' ' : '\uFFFD'));
}
