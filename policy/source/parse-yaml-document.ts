import { Composer, type CST, type Document, Lexer, type ParsedNode, Parser } from 'yaml';
import type { ErrorCode } from '../errors.ts';
import { SOURCE_LIMITS } from './limits.ts';

/** Something wrong at an offset of the parsed text. */
export interface Problem {
  code: ErrorCode;
  message: string;
  offset: number;
}

export type YamlDocument = Document.Parsed<ParsedNode>;

/**
 * YAML 1.2 core without merge keys. The library's own check for duplicate keys takes quadratic time, so `toValue`
 * does it.
 */
const OPTIONS = {
  version: '1.2',
  schema: 'core',
  merge: false,
  uniqueKeys: false,
  strict: true,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

/**
 * Parses one YAML document (with or without its `---`). Returns its syntax tree, or what is wrong with it; offsets
 * count from the start of `text`. An empty document is a tree whose contents are null.
 */
export function parseYamlDocument(text: string): { document: YamlDocument } | { problems: Problem[] } {
  const tokens = tokenize(text);
  if ('offset' in tokens) return { problems: [tokens] };
  const documents = [...new Composer<ParsedNode>(OPTIONS).compose(tokens.tokens, true, text.length)];
  const document = documents[0] as YamlDocument;
  const problems = [...document.errors, ...document.warnings]
    .slice(0, SOURCE_LIMITS.findingsPerDocument)
    .map((error) => ({ code: codeOf(error.code), message: describe(error.message), offset: error.pos[0] }));
  const second = documents[1];
  if (second !== undefined && problems.length === 0) {
    const message = 'A second document starts here without a --- line.';
    problems.push({ code: 'AEGIS_YAML_SYNTAX', message, offset: second.range[0] });
  }
  return problems.length > 0 ? { problems } : { document };
}

/** The parser keeps a stack, the composer recurses: depth must be bounded between them. */
function tokenize(text: string): { tokens: CST.Token[] } | Problem {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    // The document itself and a scalar at the bottom stand on the stack as well.
    if (parser.stack.length > SOURCE_LIMITS.depth + 2) {
      const message = `Collections are nested more than ${SOURCE_LIMITS.depth} deep.`;
      return { code: 'AEGIS_YAML_LIMIT', message, offset: parser.offset };
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return { tokens };
}

function codeOf(yamlCode: string): ErrorCode {
  if (yamlCode === 'RESOURCE_EXHAUSTION') return 'AEGIS_YAML_LIMIT';
  return yamlCode === 'TAG_RESOLVE_FAILED' ? 'AEGIS_YAML_VALUE' : 'AEGIS_YAML_SYNTAX';
}

/** Some of the library's messages quote the source; policies may stand beside secrets, so quote little. */
function describe(message: string): string {
  const line = message.split('\n', 1)[0] as string;
  const short = line.length > 120 ? `${line.slice(0, 117)}...` : line;
  return short.endsWith('.') ? short : `${short}.`;
}
