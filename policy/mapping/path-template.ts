/**
 * Path templates of tool contracts: `/v1/payment_intents/{id}`, one placeholder per
 * segment; `{name...}` at the end is the rest, one segment or more.
 */

export type TemplateSegment = { literal: string } | { param: string; rest: boolean };

/** Characters a literal segment may hold: RFC 3986 `unreserved`, plus `:`, `@`, `,` and `$` that real APIs use. */
const LITERAL = /^[A-Za-z0-9._~:@,$!*()=+-]*$/;
const PARAM = /^\{([A-Za-z_][A-Za-z0-9_-]{0,62})(\.\.\.)?\}$/;

function defect(message: string): never {
  throw new TypeError(message);
}

/**
 * The segments of a template, in order. `onDefect` is told what is wrong with it and must not return.
 * A template starts with `/`; a segment is a literal or exactly one placeholder; only the last may be empty.
 */
export function parseTemplate(path: string, onDefect: (message: string) => never = defect): TemplateSegment[] {
  if (!path.startsWith('/')) onDefect(`the path "${path}" does not start with a slash.`);
  const texts = path.slice(1).split('/');
  const seen = new Set<string>();
  return texts.map((text, index) => {
    const [, param, dots] = PARAM.exec(text) ?? [];
    if (param !== undefined) {
      const rest = dots !== undefined;
      if (rest && index < texts.length - 1) onDefect(`{${param}...} must stand at the end of the path.`);
      if (seen.has(param)) onDefect(`the path names {${param}} twice.`);
      seen.add(param);
      return { param, rest };
    }
    if (text === '.' || text === '..' || !LITERAL.test(text)) onDefect(`the path segment "${text}" is not valid.`);
    if (text === '' && index < texts.length - 1) onDefect(`the path "${path}" has an empty segment.`);
    return { literal: text };
  });
}

/** The names of the placeholders, also of a template that has defects elsewhere. */
export function placeholders(path: string): string[] {
  return path.split('/').flatMap((text) => PARAM.exec(text)?.[1] ?? []);
}

/** The template without placeholder names: equal for two templates that match the same paths. */
export function templateShape(path: string): string {
  return parseTemplate(path)
    .map((segment) => ('param' in segment ? `/{${segment.rest ? '...' : ''}}` : `/${segment.literal}`))
    .join('');
}
