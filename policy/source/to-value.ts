import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Scalar, type YAMLMap, type YAMLSeq } from 'yaml';
import { SOURCE_LIMITS } from './limits.ts';
import type { Problem, YamlDocument } from './parse-yaml-document.ts';
import { plainNumber } from './plain-number.ts';

/** Explicit tags that only repeat what is written; every other tag is refused. */
const HARMLESS_TAGS = new Set(['tag:yaml.org,2002:str', 'tag:yaml.org,2002:map', 'tag:yaml.org,2002:seq']);

/** Strings in YAML 1.2, but booleans or numbers to the YAML 1.1 parsers of kubectl, Helm and Argo CD. */
const READ_DIFFERENTLY = /^(?:y|yes|n|no|on|off|[-+]?0b[01_]+|[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?)$/i;

/** A document as plain data. With problems, the value is not to be used; warnings do not spoil it. */
export interface ConvertedDocument {
  value: unknown;
  problems: Problem[];
  warnings: Problem[];
}

/** Stops the conversion where going on would cost too much. */
class LimitReached extends Error {}

/** Turns a parsed YAML document into plain objects, lists, strings, numbers, booleans and nulls. */
export function toValue(document: YamlDocument): ConvertedDocument {
  const converter = new Converter();
  let value: unknown;
  try {
    value = converter.convert(document.contents, 0);
  } catch (error) {
    if (!(error instanceof LimitReached)) throw error;
  }
  return { value, problems: converter.problems, warnings: converter.warnings };
}

class Converter {
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #nodes = 0;
  #aliases = 0;

  convert(node: Node | null, depth: number): unknown {
    if (node === null) return null;
    const offset = offsetOf(node);
    if (++this.#nodes > SOURCE_LIMITS.nodes) this.#stop(offset, `The document has over ${SOURCE_LIMITS.nodes} nodes.`);
    if (depth > SOURCE_LIMITS.depth) this.#stop(offset, `Nested more than ${SOURCE_LIMITS.depth} deep.`);
    if (isAlias(node)) return this.#alias(node, depth);
    if ('anchor' in node && typeof node.anchor === 'string') this.#anchors.set(node.anchor, node);
    if (typeof node.tag === 'string' && !HARMLESS_TAGS.has(node.tag)) {
      return this.#refuse(offset, `The tag ${node.tag.slice(0, 60)} is not supported.`);
    }
    if (isScalar(node)) return this.#scalar(node, offset);
    this.#open.add(node);
    const value = isMap(node) ? this.#map(node, depth) : isSeq(node) ? this.#list(node, depth) : null;
    this.#open.delete(node);
    return value;
  }

  #map(map: YAMLMap, depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = {};
    for (const pair of map.items) {
      const name = this.#key(pair.key as Node | null, map);
      const value = this.convert(pair.value as Node | null, depth + 1);
      if (name === undefined) continue;
      if (Object.hasOwn(result, name)) {
        const message = `The key ${JSON.stringify(name.slice(0, 60))} stands twice in the same mapping.`;
        this.#report('AEGIS_YAML_DUPLICATE_KEY', offsetOf(pair.key as Node), message);
      }
      result[name] = value;
    }
    return result;
  }

  #list(list: YAMLSeq, depth: number): unknown[] {
    return list.items.map((item) => this.convert(item as Node | null, depth + 1));
  }

  /** Keys are strings: a number or null as a key is text to one parser and a number to the next. */
  #key(key: Node | null, map: YAMLMap): string | undefined {
    const offset = key === null ? offsetOf(map) : offsetOf(key);
    const plain = isScalar(key) && key.type === 'PLAIN';
    if (!isScalar(key) || key.tag !== undefined || typeof key.value !== 'string') {
      this.#refuse(offset, 'A key must be a string; put it in quotes.');
      return undefined;
    }
    if (typeof key.anchor === 'string') this.#anchors.set(key.anchor, key);
    if (plain && key.value === '<<') {
      this.#refuse(offset, 'Merge keys (<<) are not supported; write the fields out.');
      return undefined;
    }
    if (key.value === '__proto__') {
      this.#refuse(offset, 'The key __proto__ is not allowed.');
      return undefined;
    }
    this.#checkText(key, offset);
    return key.value;
  }

  #scalar(scalar: Scalar, offset: number): unknown {
    const value = scalar.value;
    if (typeof value === 'string') {
      this.#checkText(scalar, offset);
      return value;
    }
    if (typeof value !== 'number') return typeof value === 'boolean' ? value : null;
    const number = plainNumber(scalar.source ?? '');
    if (typeof number === 'number') return number;
    const literal = (scalar.source ?? '').slice(0, 40);
    return this.#refuse(offset, `The number ${literal} is refused: ${number.refused}; quote it or write it plainly.`);
  }

  #checkText(scalar: Scalar, offset: number): void {
    const text = scalar.value as string;
    if (!text.isWellFormed()) this.#refuse(offset, 'The string contains half of a surrogate pair.');
    if (scalar.type !== 'PLAIN' || !READ_DIFFERENTLY.test(text)) return;
    const message = `${text.slice(0, 40)} is a string here, but kubectl, Helm and Argo CD read something else.`;
    if (this.warnings.length < SOURCE_LIMITS.findingsPerDocument) {
      this.warnings.push({ code: 'AEGIS_YAML_AMBIGUOUS', message, offset });
    }
  }

  #alias(alias: Alias, depth: number): unknown {
    const offset = offsetOf(alias);
    if (++this.#aliases > SOURCE_LIMITS.aliases) {
      this.#stop(offset, `The document uses more than ${SOURCE_LIMITS.aliases} aliases.`);
    }
    const target = this.#anchors.get(alias.source);
    if (target === undefined) return this.#refuse(offset, `The alias *${alias.source.slice(0, 60)} names no anchor.`);
    if (this.#open.has(target)) return this.#refuse(offset, 'The alias contains itself.');
    return this.convert(target, depth);
  }

  #refuse(offset: number, message: string): null {
    this.#report('AEGIS_YAML_VALUE', offset, message);
    return null;
  }

  #report(code: Problem['code'], offset: number, message: string): void {
    if (this.problems.length < SOURCE_LIMITS.findingsPerDocument) this.problems.push({ code, message, offset });
  }

  #stop(offset: number, message: string): never {
    this.problems.length = Math.min(this.problems.length, SOURCE_LIMITS.findingsPerDocument - 1);
    this.#report('AEGIS_YAML_LIMIT', offset, message);
    throw new LimitReached();
  }
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
