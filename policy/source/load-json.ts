import { SOURCE_LIMITS } from './limits.ts';
import type { LoadResult } from './load-result.ts';
import { loadDocument, loadYaml, problemFinding } from './load-yaml.ts';
import { Locator } from './locator.ts';
import { SourceText } from './source-text.ts';
import { findJsonError } from './validate-json.ts';

/**
 * Reads one JSON resource or `List`. First the strict grammar of RFC 8259; then the same way as YAML, of which JSON
 * is a part, for duplicate keys, exact numbers, bounds and positions.
 */
export function loadJson(text: string, file: string): LoadResult {
  const source = new SourceText(text, file);
  const result: LoadResult = { resources: [], findings: [] };
  if (source.text.length <= SOURCE_LIMITS.documentLength) {
    const error = findJsonError(source.text);
    if (error !== undefined) {
      result.findings.push(problemFinding(source, 0, { code: 'AEGIS_RESOURCE_JSON', ...error }));
      return result;
    }
  }
  loadDocument(source, { start: 0, end: source.text.length }, new Locator(source), result);
  return result;
}

/** `.json` files are strict JSON; everything else is YAML. */
export function loadSource(text: string, file: string): LoadResult {
  return file.toLowerCase().endsWith('.json') ? loadJson(text, file) : loadYaml(text, file);
}
