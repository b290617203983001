import type { CrdSchema } from '../../policy/resources/schema.ts';
import { PATTERN_MEANINGS } from '../../policy/validation/pattern-meanings.ts';
import { type Crd, schemaOf } from './load-crds.ts';
import { typeName } from './types.ts';

const INTRODUCTION = `# Reference

Generated from \`crds/\` by \`node scripts/generate.ts\`. Every kind is \`aegis.dev/v1alpha1\`.

Unknown and empty fields are refused, never ignored: by \`aegis lint\`, the webhook and the compiler.

For completion and checks in an editor with the YAML language server, begin a file with

\`\`\`yaml
# yaml-language-server: $schema=../../schemas/aegis.json
\`\`\`

(the path from that file to \`schemas/aegis.json\`, or the URL it is published at). In this repository \`.vscode/settings.json\` does it for the samples.
`;

/** The reference page: per kind its columns, and a table for every object in it. */
export function generateReference(crds: Crd[]): string {
  const contents = crds.map(({ spec: { names } }) => `- [${names.kind}](#${names.kind.toLowerCase()})`).join('\n');
  return `${[INTRODUCTION, `${contents}\n`, ...crds.map(kindSection)].join('\n')}`;
}

function kindSection(crd: Crd): string {
  const { names, scope } = crd.spec;
  const [version] = crd.spec.versions;
  const schema = schemaOf(crd);
  const { spec, status } = schema.properties ?? {};
  if (version === undefined || spec === undefined || status === undefined) throw new Error(`${names.kind}: incomplete`);
  const columns = version.additionalPrinterColumns.map(
    ({ name, description, priority }) => `\`${name}\`${priority === 1 ? ' (wide)' : ''}: ${withoutStop(description)}`,
  );
  const sections = new Sections();
  sections.add(spec, `${names.kind}.spec`);
  sections.add(status, `${names.kind}.status`);
  return [
    `## ${names.kind}`,
    '',
    schema.description,
    '',
    `${scope === 'Cluster' ? 'Cluster-wide' : 'Namespaced'}; \`kubectl get ${names.shortNames.join(', ')}\`; ` +
      `category \`${names.categories.join(', ')}\`. Columns: ${columns.join('; ')}.`,
    '',
    ...rulesOf(schema),
    ...sections.parts,
  ].join('\n');
}

/** One part per object type, in the order of first mention. */
class Sections {
  readonly parts: string[] = [];
  readonly #seen = new Set<string>();

  add(schema: CrdSchema, path: string): void {
    const name = typeName(path);
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    const later: [CrdSchema, string][] = [];
    const rows = Object.entries(schema.properties ?? {}).map(([field, property]) => {
      const nested = objectsIn(property, `${path}.${field}`);
      later.push(...nested);
      const required = schema.required?.includes(field) ? 'yes' : '';
      const fallback = property.default === undefined ? '' : `\`${JSON.stringify(property.default)}\``;
      const cells = [`\`${field}\``, typeText(property, `${path}.${field}`), required, fallback, describe(property)];
      return `| ${cells.join(' | ')} |`;
    });
    const where = path.slice(path.indexOf('.') + 1);
    this.parts.push(
      `### ${name}`,
      '',
      `\`${where}\`: ${schema.description}`,
      '',
      '| field | type | required | default | description |',
      '| --- | --- | --- | --- | --- |',
      ...rows,
      '',
      ...rulesOf(schema),
    );
    for (const [each, at] of later) this.add(each, at);
  }
}

function objectsIn(schema: CrdSchema, path: string): [CrdSchema, string][] {
  if (schema.properties !== undefined) return [[schema, path]];
  if (schema.items !== undefined) return objectsIn(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) return objectsIn(schema.additionalProperties, `${path}{}`);
  return [];
}

function typeText(schema: CrdSchema, path: string): string {
  if (schema['x-kubernetes-int-or-string']) return 'integer or text';
  if (schema.items !== undefined) return `list of ${typeText(schema.items, `${path}[]`)}`;
  if (schema.additionalProperties !== undefined) return `map of ${typeText(schema.additionalProperties, `${path}{}`)}`;
  if (schema.properties !== undefined) return `[${typeName(path)}](#${typeName(path).toLowerCase()})`;
  if (schema.enum !== undefined) return schema.enum.map((each) => `\`${each}\``).join(' ');
  if (schema.format === 'date-time') return 'RFC 3339 time';
  if (schema.type === 'string') return 'text';
  return schema.type === undefined || schema.type === 'object' ? 'any' : schema.type;
}

function describe(schema: CrdSchema): string {
  const leaf = schema.items ?? schema;
  const notes = [boundsText(schema)];
  const meaning = leaf.pattern === undefined ? undefined : PATTERN_MEANINGS[leaf.pattern];
  if (meaning !== undefined) notes.push(meaning);
  const text = notes.filter((note) => note !== '').join('; ');
  return cell(`${schema.description}${text === '' ? '' : ` (${text})`}`);
}

function boundsText(schema: CrdSchema): string {
  if (schema.items !== undefined) return range(schema.minItems, schema.maxItems, 'entries');
  if (schema.type === 'object') return range(schema.minProperties, schema.maxProperties, 'fields');
  if (schema.type === 'integer') return range(schema.minimum, schema.maximum, '');
  if (schema.type === 'string' && schema.enum === undefined && schema.pattern === undefined) {
    return schema.format === undefined ? range(undefined, schema.maxLength, 'characters') : '';
  }
  return '';
}

function range(from: number | undefined, to: number | undefined, unit: string): string {
  if (from === 1 && to === undefined && unit !== '') return 'not empty';
  const end = unit === '' ? '' : ` ${unit}`;
  if (from !== undefined && to !== undefined) return `${from} to ${to}${end}`;
  if (to !== undefined) return `at most ${to}${end}`;
  return from === undefined ? '' : `at least ${from}${end}`;
}

function rulesOf(schema: CrdSchema): string[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  if (rules.length === 0) return [];
  return [
    'Refused:',
    '',
    ...rules.map(({ message, rule }) => `- ${message} \\\n  \`${rule.replace(/\s+/g, ' ')}\``),
    '',
  ];
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').replaceAll('*.', '\\*.');
}
