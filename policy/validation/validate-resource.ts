import type { Finding } from '../errors.ts';
import type { FieldPath, LoadedResource, Resource } from '../resources/resource.ts';
import { KIND_SCHEMAS } from '../resources/schemas.generated.ts';
import type { AegisKind } from '../resources/types.generated.ts';
import { applyDefaults } from './apply-defaults.ts';
import { checkRules } from './cel-rules.ts';
import { findInexactAmounts } from './exact-amounts.ts';
import { findingAt } from './finding-builder.ts';
import { findDuplicateEntries } from './list-entries.ts';
import { checkMetadata, findUnknownMetadata } from './metadata-rules.ts';
import { checkSchema, type PlacedFinding } from './schema-rules.ts';
import { suggestName } from './suggest-name.ts';
import { findUnknownFields, type UnknownField } from './unknown-fields.ts';

const API_VERSION = 'aegis.dev/v1alpha1';

export interface ValidationOptions {
  /** The stored resource that this one replaces; transition rules (such as immutable ids) are checked against it. */
  old?: Resource;
  /** `ignore` answers as the API server alone would, which keeps unknown fields; for comparison with it. */
  unknownFields?: 'refuse' | 'ignore';
}

/**
 * Everything that is wrong with one resource by itself, as the API server would find it (schema, list keys, CEL rules,
 * metadata), and what it would silently accept: unknown and empty fields. Sorted by position; empty = valid. Never
 * throws; what cannot be checked is a finding. Status is not looked at.
 */
export function validateResource(resource: LoadedResource, options: ValidationOptions = {}): Finding[] {
  const { kind, apiVersion } = resource.object;
  if (!isAegisKind(kind)) return [unknownKind(resource)];
  if (apiVersion !== API_VERSION) {
    const message = `apiVersion is ${JSON.stringify(apiVersion)?.slice(0, 80)}, but must be ${API_VERSION}`;
    return [findingAt(resource, 'AEGIS_RESOURCE_VERSION_UNKNOWN', ['apiVersion'], message)];
  }
  const { schema, scope } = KIND_SCHEMAS[kind];
  const object = applyDefaults(resource.object);
  const { status: _, ...withoutStatus } = resource.object;
  const refuse = options.unknownFields !== 'ignore';
  const unknown = refuse ? findUnknownFields(resource, withoutStatus, rootOnly(kind), []) : [];
  const placed: PlacedFinding[] = [
    ...checkMetadata(resource, scope),
    ...(refuse ? findUnknownMetadata(resource) : []),
    ...unknown,
    ...withoutMisspelt(checkSchema(resource, object, kind), unknown),
    ...findDuplicateEntries(resource, withoutStatus, schema, []),
    ...(refuse ? findInexactAmounts(resource, withoutStatus, schema, []) : []),
  ];
  const spoiled = new SpoiledPaths(placed.map(({ path }) => path));
  const context = { resource, isSpoiled: (path: FieldPath) => spoiled.has(path) };
  const rules = checkRules(context, object, schema, options.old && applyDefaults(options.old));
  return sortFindings([...placed, ...rules].map(({ finding }) => finding));
}

function isAegisKind(kind: unknown): kind is AegisKind {
  return typeof kind === 'string' && Object.hasOwn(KIND_SCHEMAS, kind);
}

function unknownKind(resource: LoadedResource): Finding {
  const { kind } = resource.object;
  const suggestion = suggestName(String(kind), Object.keys(KIND_SCHEMAS));
  const fix = suggestion === undefined ? undefined : `Did you mean ${suggestion}?`;
  const message = `there is no kind ${String(kind).slice(0, 63)} in ${API_VERSION}`;
  return findingAt(resource, 'AEGIS_RESOURCE_KIND_UNKNOWN', ['kind'], message, fix);
}

/** The schema of the root without what is checked elsewhere: metadata has its own rules, status is the operator's. */
function rootOnly(kind: AegisKind) {
  const { properties, ...rest } = KIND_SCHEMAS[kind].schema;
  const free = { type: 'object' } as const;
  return { ...rest, properties: { ...properties, metadata: free, status: free } };
}

/** A field that is missing only because its name is misspelt is one mistake, not two. */
function withoutMisspelt(findings: PlacedFinding[], unknown: UnknownField[]): PlacedFinding[] {
  const meant = new Set(unknown.map(({ path, suggestion }) => JSON.stringify([...path.slice(0, -1), suggestion])));
  return findings.filter(
    ({ path, finding }) => finding.code !== 'AEGIS_SCHEMA_REQUIRED' || !meant.has(JSON.stringify(path)),
  );
}

/** Knows whether something at or below a path is wrong. */
class SpoiledPaths {
  readonly #prefixes = new Set<string>();

  constructor(paths: readonly FieldPath[]) {
    for (const path of paths) {
      for (let length = 0; length <= path.length; length += 1)
        this.#prefixes.add(JSON.stringify(path.slice(0, length)));
    }
  }

  has(path: FieldPath): boolean {
    return this.#prefixes.size > 0 && this.#prefixes.has(JSON.stringify(path));
  }
}

function sortFindings(findings: Finding[]): Finding[] {
  const place = ({ location }: Finding) => (location === undefined ? 0 : location.line * 10_000 + location.column);
  return findings.sort((a, b) => place(a) - place(b) || (a.message < b.message ? -1 : 1));
}
