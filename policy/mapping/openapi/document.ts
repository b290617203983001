import { visit } from 'yaml';
import { parseJson } from '../../decision/parse-json.ts';
import { AegisError } from '../../errors.ts';
import { parseYamlDocument, type YamlDocument } from '../../source/parse-yaml-document.ts';
import { toValue } from '../../source/to-value.ts';
import { isObject, type JsonObject, Unusable } from './json.ts';
import { listAt, objectAt, resolve } from './reference.ts';

/** OpenAPI 3.0 and 3.1 documents, as far as it takes to recognise requests: paths, parameters, request bodies. */
export interface OpenApiDocument {
  root: JsonObject;
  /** By operationId; several where the document has an id twice. */
  operations: Map<string, Operation[]>;
}

export interface Operation {
  /** Upper case. */
  method: string;
  path: string;
  item: JsonObject;
  operation: JsonObject;
}

const MAX_LENGTH = 1024 * 1024;
const JSON_BOUNDS = { maxSize: MAX_LENGTH, maxDepth: 64, maxValues: 200_000, file: 'openapi' };
const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const;

/** Numbers as text: none of them matters here, and `responses: {200: …}` is a key. */
function numbersAsText(document: YamlDocument): void {
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'number') scalar.value = scalar.source ?? String(scalar.value);
    },
  });
}

function parseYaml(text: string): unknown {
  const parsed = parseYamlDocument(text);
  const problem = 'problems' in parsed ? parsed.problems[0] : undefined;
  if (!('document' in parsed)) throw new Unusable(`it cannot be read: ${problem?.message ?? 'not YAML'}`);
  numbersAsText(parsed.document);
  const { value, problems } = toValue(parsed.document);
  if (problems[0] !== undefined) throw new Unusable(`it cannot be read: ${problems[0].message}`);
  return value;
}

/** Strict JSON at once; what that refuses (many digits, YAML) the slow way. */
function parseText(text: string): unknown {
  if (!/^\s*\{/.test(text)) return parseYaml(text);
  try {
    return parseJson(text, JSON_BOUNDS).value;
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    return parseYaml(text);
  }
}

function isSupported(version: unknown): boolean {
  return typeof version === 'string' && /^3\.[01](?:\.[0-9]+)?$/.test(version);
}

/**
 * Reads a document, JSON or YAML, of at most 1 Mi characters.
 * @throws Unusable where it cannot be read, is of another version, or has no paths.
 */
export function parseOpenApi(text: string): OpenApiDocument {
  if (text.length > MAX_LENGTH) throw new Unusable(`it is longer than ${MAX_LENGTH} characters`);
  const root = parseText(text);
  if (!isObject(root)) throw new Unusable('it is not an object');
  if (!isSupported(root.openapi)) throw new Unusable('its openapi version is not 3.0 or 3.1');
  if (!isObject(root.paths)) throw new Unusable('it has no paths');
  const operations = new Map<string, Operation[]>();
  for (const [path, entry] of Object.entries(root.paths)) {
    if (!path.startsWith('/')) continue;
    const item = isObject(entry) ? resolve(root, entry) : undefined;
    if (!isObject(item)) continue;
    for (const method of METHODS) {
      const operation = item[method];
      if (!isObject(operation) || typeof operation.operationId !== 'string') continue;
      const known = operations.get(operation.operationId) ?? [];
      operations.set(operation.operationId, [...known, { method: method.toUpperCase(), path, item, operation }]);
    }
  }
  return { root, operations };
}

/** The parameters of an operation: those of its path, each replaced by one of its own of the same name and place. */
export function parametersOf(root: JsonObject, { item, operation }: Operation): JsonObject[] {
  const byKey = new Map<string, JsonObject>();
  for (const list of [listAt(item, 'parameters'), listAt(operation, 'parameters')]) {
    for (const entry of list) {
      const parameter = resolve(root, entry);
      if (!isObject(parameter) || typeof parameter.name !== 'string' || typeof parameter.in !== 'string') {
        throw new Unusable('a parameter has no name or place');
      }
      byKey.set(`${parameter.in} ${parameter.name}`, parameter);
    }
  }
  return [...byKey.values()];
}

/** What `content` says per media type, by lower-case essence (`application/json`). */
export function contentOf(root: JsonObject, holder: JsonObject): Map<string, JsonObject> {
  const content = new Map<string, JsonObject>();
  for (const [type, value] of Object.entries(objectAt(holder, 'content') ?? {})) {
    const media = resolve(root, value);
    const [essence = ''] = type.split(';');
    if (isObject(media)) content.set(essence.trim().toLowerCase(), media);
  }
  return content;
}
