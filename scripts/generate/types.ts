import type { CrdSchema } from '../../policy/resources/schema.ts';
import { type Crd, schemaOf } from './load-crds.ts';
import { ENUM_NAMES, TYPE_NAMES, TYPE_NAMES_BY_SUFFIX } from './type-names.ts';

const HEADER = `// Generated from crds/ by \`node scripts/generate.ts\`. Do not edit.
import type { Resource } from './resource.ts';

/** An exact number: an integer, or a decimal number as a string such as "49.90". */
export type Amount = number | string;
`;

/** TypeScript types of all kinds, as the text of one module. */
export function generateTypes(crds: Crd[]): string {
  const writer = new TypeWriter();
  for (const crd of crds) writer.addKind(crd);
  return writer.text(crds);
}

class TypeWriter {
  readonly #declarations = new Map<string, { text: string; shape: string; path: string }>();
  readonly #enums = new Map<string, string>();

  addKind(crd: Crd): void {
    const { kind } = crd.spec.names;
    const schema = schemaOf(crd);
    const { spec, status } = schema.properties ?? {};
    if (spec === undefined || status === undefined) throw new Error(`${kind}: spec or status is missing`);
    const text = [
      docComment(schema.description, ''),
      `export interface ${kind} extends Resource {`,
      `  apiVersion: 'aegis.dev/v1alpha1';`,
      `  kind: '${kind}';`,
      docComment(spec.description, '  '),
      `  spec: ${this.#objectType(spec, `${kind}.spec`)};`,
      docComment(status.description, '  '),
      `  status?: ${this.#objectType(status, `${kind}.status`)};`,
      '}',
    ].join('\n');
    this.#declarations.set(kind, { text, shape: kind, path: kind });
  }

  text(crds: Crd[]): string {
    const kinds = crds.map((crd) => crd.spec.names.kind);
    const enums = [...this.#enums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, union]) => `export type ${name} = ${union};`);
    return [
      HEADER,
      enums.join('\n'),
      '',
      [...this.#declarations.values()].map(({ text }) => text).join('\n\n'),
      '',
      '/** Any resource of the group. */',
      `export type AegisResource =\n  | ${kinds.join('\n  | ')};`,
      '',
      `export type AegisKind = AegisResource['kind'];`,
      '',
    ].join('\n');
  }

  #type(schema: CrdSchema, path: string): string {
    if (schema['x-kubernetes-int-or-string']) return schema.pattern?.includes('{1,15}') ? 'Amount' : 'number | string';
    if (schema.enum !== undefined) return this.#enumType(schema.enum);
    switch (schema.type) {
      case 'object':
        if (schema.properties !== undefined) return this.#objectType(schema, path);
        if (schema.additionalProperties !== undefined)
          return `Record<string, ${this.#type(schema.additionalProperties, `${path}{}`)}>`;
        return 'Record<string, unknown>';
      case 'array': {
        if (schema.items === undefined) throw new Error(`${path}: array without items`);
        const item = this.#type(schema.items, `${path}[]`);
        return /[| ]/.test(item) ? `(${item})[]` : `${item}[]`;
      }
      case 'string':
      case 'boolean':
        return schema.type;
      case 'integer':
      case 'number':
        return 'number';
      default:
        return 'unknown';
    }
  }

  #enumType(members: readonly string[]): string {
    const union = members.map((member) => `'${member}'`).join(' | ');
    const name = ENUM_NAMES[members.join(',')];
    if (name === undefined) return union;
    this.#enums.set(name, union);
    return name;
  }

  #objectType(schema: CrdSchema, path: string): string {
    const name = typeName(path);
    const shape = shapeOf(schema);
    const known = this.#declarations.get(name);
    if (known !== undefined) {
      if (known.shape !== shape) throw new Error(`${path} and ${known.path} are both named ${name} but differ`);
      return name;
    }
    this.#declarations.set(name, { text: '', shape, path });
    const fields = Object.entries(schema.properties ?? {}).map(([field, property]) => {
      const optional = schema.required?.includes(field) ? '' : '?';
      const fallback = property.default === undefined ? '' : ` Default: ${JSON.stringify(property.default)}.`;
      return `${docComment(`${property.description}${fallback}`, '  ')}\n  ${field}${optional}: ${this.#type(property, `${path}.${field}`)};`;
    });
    const text = [docComment(schema.description, ''), `export interface ${name} {`, ...fields, '}'].join('\n');
    this.#declarations.set(name, { text, shape, path });
    return name;
  }
}

/** What must be equal in schemas that share a name: everything but descriptions, order, and being optional. */
function shapeOf(schema: CrdSchema): string {
  const { nullable: _, ...rest } = schema;
  return JSON.stringify(rest, (key, value: unknown) => {
    if (key === 'description' && typeof value === 'string') return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Name of the type at `Kind.path`. */
export function typeName(path: string): string {
  const exact = TYPE_NAMES[path];
  if (exact !== undefined) return exact;
  for (const [suffix, name] of Object.entries(TYPE_NAMES_BY_SUFFIX)) if (path.endsWith(suffix)) return name;
  return path
    .split(/[.[\]{}]+/)
    .filter((part) => part !== '')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

function docComment(text: string | undefined, indent: string): string {
  if (text === undefined) throw new Error('a description is missing');
  const width = 116 - indent.length;
  const lines: string[] = [];
  let line = '';
  for (const word of text.replaceAll('*/', '*\\/').split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width - 4) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  if (lines.length === 1) return `${indent}/** ${lines[0]} */`;
  return [`${indent}/**`, ...lines.map((each) => `${indent} * ${each}`), `${indent} */`].join('\n');
}
