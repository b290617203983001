import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml';
import type { SourceLocation } from '../errors.ts';
import type { FieldPath } from '../resources/resource.ts';
import { parseYamlDocument, type YamlDocument } from './parse-yaml-document.ts';
import type { SourceText } from './source-text.ts';
import type { DocumentSpan } from './split-documents.ts';

/**
 * Finds positions in the documents of one file by parsing the document again. Positions are asked for rarely (for
 * findings), so thousands of loaded resources cost no syntax trees; the last document's tree is kept.
 */
export class Locator {
  readonly #source: SourceText;
  #last: { start: number; document: YamlDocument | undefined } | undefined;

  constructor(source: SourceText) {
    this.#source = source;
  }

  /** Position of the value at `path` below the document's root, or of its nearest existing ancestor. */
  value(span: DocumentSpan, path: FieldPath): SourceLocation {
    return this.#source.at(span.start + this.#walk(span, path).value);
  }

  /** Position of the key of the last step of `path`; of the value for list items and missing fields. */
  key(span: DocumentSpan, path: FieldPath): SourceLocation {
    return this.#source.at(span.start + this.#walk(span, path).key);
  }

  #walk(span: DocumentSpan, path: FieldPath): { key: number; value: number } {
    const document = this.#parse(span);
    if (document === undefined) return { key: 0, value: 0 };
    let node = resolve(document.contents, document);
    let value = node?.range?.[0] ?? 0;
    let key = value;
    for (const step of path) {
      const next = stepInto(node, step);
      if (next === undefined) return { key: value, value };
      value = next.value?.range?.[0] ?? next.key?.range?.[0] ?? value;
      key = next.key?.range?.[0] ?? value;
      node = resolve(next.value, document);
    }
    return { key, value };
  }

  #parse(span: DocumentSpan): YamlDocument | undefined {
    if (this.#last?.start !== span.start) {
      const parsed = parseYamlDocument(this.#source.text.slice(span.start, span.end));
      this.#last = { start: span.start, document: 'document' in parsed ? parsed.document : undefined };
    }
    return this.#last?.document;
  }
}

/** Pairs of a mapping by key, the first of several; kept, because a mapping with many keys may have many findings. */
const indexes = new WeakMap<YAMLMap, ReadonlyMap<unknown, Pair>>();

function pairsOf(map: YAMLMap): ReadonlyMap<unknown, Pair> {
  let index = indexes.get(map);
  if (index === undefined) {
    const pairs = [...map.items].reverse();
    index = new Map(pairs.flatMap((pair: Pair) => (isScalar(pair.key) ? [[pair.key.value, pair]] : [])));
    indexes.set(map, index);
  }
  return index;
}

function stepInto(node: Node | null, step: string | number): { key: Node | null; value: Node | null } | undefined {
  if (isMap(node)) {
    const pair = pairsOf(node).get(String(step));
    return pair && { key: pair.key as Node, value: pair.value as Node | null };
  }
  if (!isSeq(node) || typeof step !== 'number') return undefined;
  const item = node.items[step] as Node | undefined;
  return item && { key: null, value: item };
}

function resolve(node: Node | null, document: YamlDocument): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}
