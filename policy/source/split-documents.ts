/** A piece of a YAML stream: from its `---` marker (or the start) up to the next marker line. */
export interface DocumentSpan {
  start: number;
  end: number;
}

/**
 * Splits a YAML stream into its documents. A line that starts with `---` or `...` and then white space is a marker
 * everywhere, also inside quoted and block scalars (YAML 1.2.2, rule c-forbidden), so this needs no parser, and a
 * broken document cannot swallow the next one. Gives up beyond `limit` documents and returns `limit + 1` of them.
 */
export function splitDocuments(text: string, limit: number): DocumentSpan[] {
  const spans: DocumentSpan[] = [];
  let start = 0;
  for (let line = 0; line !== -1 && spans.length <= limit; line = nextLine(text, line)) {
    const marker = markerAt(text, line);
    if (marker === undefined) continue;
    if (line > start) spans.push({ start, end: line });
    // The rest of a `...` line (a comment) belongs to whatever follows; `---` is part of its document.
    start = marker === '...' ? line + 3 : line;
  }
  if (start < text.length && spans.length <= limit) spans.push({ start, end: text.length });
  return spans;
}

function nextLine(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline === -1 ? -1 : newline + 1;
}

function markerAt(text: string, at: number): '---' | '...' | undefined {
  const after = text[at + 3];
  if (after !== undefined && after !== '\n' && after !== '\r' && after !== ' ' && after !== '\t') return undefined;
  if (text.startsWith('---', at)) return '---';
  return text.startsWith('...', at) ? '...' : undefined;
}
