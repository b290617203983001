import { RE2JS } from 're2js';

const MAX_PATTERNS = 256;
const patterns = new Map<string, RE2JS>();

/** Whether the pattern matches anywhere in the text; for explanations, the gateway has its own matcher. */
export function matchesPattern(pattern: string, text: string): boolean {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    if (patterns.size >= MAX_PATTERNS) patterns.clear();
    compiled = RE2JS.compile(pattern);
    patterns.set(pattern, compiled);
  }
  return compiled.matcher(text).find();
}
