import type { Finding } from '../errors.ts';
import { expandResources, skipForeign } from './expand-resources.ts';
import { findForbiddenCharacter } from './forbidden-characters.ts';
import { SOURCE_LIMITS } from './limits.ts';
import type { LoadResult } from './load-result.ts';
import { Locator } from './locator.ts';
import { type Problem, parseYamlDocument } from './parse-yaml-document.ts';
import { SourceText } from './source-text.ts';
import { type DocumentSpan, splitDocuments } from './split-documents.ts';
import { toValue } from './to-value.ts';

/**
 * Reads a YAML stream (YAML 1.2 core, which includes JSON) of Kubernetes resources; `kind: List` is expanded.
 * Never throws. A document with an error finding gives no resource and does not disturb the others.
 *
 * @param file name for positions; nothing is opened
 */
export function loadYaml(text: string, file: string): LoadResult {
  const source = new SourceText(text, file);
  const result: LoadResult = { resources: [], findings: [] };
  if (source.text.length > SOURCE_LIMITS.fileLength) {
    result.findings.push(problemFinding(source, 0, tooLong('file', SOURCE_LIMITS.fileLength)));
    return result;
  }
  const spans = splitDocuments(source.text, SOURCE_LIMITS.documents);
  if (spans.length > SOURCE_LIMITS.documents) {
    const message = `The file has more than ${SOURCE_LIMITS.documents} documents.`;
    const offset = (spans.at(-1) as DocumentSpan).start;
    result.findings.push(problemFinding(source, 0, { code: 'AEGIS_YAML_LIMIT', message, offset }));
    return result;
  }
  const locator = new Locator(source);
  for (const span of spans) loadDocument(source, span, locator, result);
  return result;
}

/** Loads the one document at `span` and appends what it finds to `result`. */
export function loadDocument(source: SourceText, span: DocumentSpan, locator: Locator, result: LoadResult): void {
  const report = (problem: Problem, severity: Finding['severity'] = 'error') =>
    result.findings.push(problemFinding(source, span.start, problem, severity));
  const text = source.text.slice(span.start, span.end);
  const refused = checkText(text);
  if (refused !== undefined) {
    report(refused);
    return;
  }
  if (!text.startsWith('---') && isPrologue(text, report)) return;
  const parsed = parseYamlDocument(text);
  if ('problems' in parsed) {
    for (const problem of parsed.problems) report(problem);
    return;
  }
  const { value, problems, warnings } = toValue(parsed.document);
  // Someone else's resource may be written in ways that we refuse (`defaultMode: 0644`, merge keys).
  if ((problems.length > 0 || warnings.length > 0) && skipForeign(value, { locator, span }, result)) return;
  for (const problem of problems) report(problem);
  for (const warning of warnings) report(warning, 'warning');
  if (problems.length > 0 || (value === null && isEmpty(parsed.document.contents))) return;
  expandResources(value, source.file, { locator, span }, result);
}

function checkText(text: string): Problem | undefined {
  if (text.length > SOURCE_LIMITS.documentLength) return tooLong('document', SOURCE_LIMITS.documentLength);
  const character = findForbiddenCharacter(text);
  if (character === undefined) return undefined;
  const message = `The text contains the character ${character.name}.`;
  return { code: 'AEGIS_YAML_CHARACTER', message, offset: character.offset };
}

/**
 * True where `text`, which has no `---`, holds only comments and directives. The one accepted directive is
 * `%YAML 1.2`: others change how the next document is read.
 */
function isPrologue(text: string, report: (problem: Problem) => void): boolean {
  let offset = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('%')) {
      if (!/^%YAML[ \t]+1\.2[ \t]*(?:#.*)?\r?$/.test(line)) {
        report({ code: 'AEGIS_YAML_VALUE', message: 'Only the directive %YAML 1.2 is supported.', offset });
      }
    } else if (!/^[ \t\r]*(?:#|$)/.test(line)) {
      return false;
    }
    offset += line.length + 1;
  }
  return true;
}

function isEmpty(contents: { range?: [number, number, number] | null } | null): boolean {
  const range = contents?.range;
  return range === undefined || range === null || range[0] === range[1];
}

function tooLong(what: string, limit: number): Problem {
  const message = `The ${what} is longer than ${limit / 1024 / 1024} Mi characters.`;
  return { code: 'AEGIS_YAML_LIMIT', message, offset: 0 };
}

/** A finding at an offset that counts from `base`. */
export function problemFinding(
  source: SourceText,
  base: number,
  problem: Problem,
  severity: Finding['severity'] = 'error',
): Finding {
  return { code: problem.code, severity, message: problem.message, location: source.at(base + problem.offset) };
}
