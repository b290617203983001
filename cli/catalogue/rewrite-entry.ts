/** A text of the catalogue for somebody's own tenant: other names at the same places, everything else as it was. */
import { isMap, isScalar, isSeq, type Node, parseAllDocuments } from 'yaml';
import { EXAMPLE_AGENT } from './catalogue.ts';
import { yamlText } from './yaml-text.ts';

export interface Renames {
  /** Tool id in the catalogue, and the one to write. */
  tool: { from: string; to: string };
  /** Instead of the example's. */
  agent?: string;
  namespace?: string;
  /** Base URL of the tool, instead of the catalogue's. */
  upstream?: string;
}

/** A piece of the text to replace. */
interface Edit {
  start: number;
  end: number;
  text: string;
}

/** Keys whose values name tools. */
const TOOL_KEYS: ReadonlySet<string> = new Set(['tool', 'tools', 'toolId']);

export function rewriteEntry(text: string, renames: Renames): string {
  const edits: Edit[] = [];
  for (const document of parseAllDocuments(text)) {
    if (isMap(document.contents)) visit(document.contents, [], renames, edits);
  }
  let result = text;
  for (const { start, end, text: piece } of edits.sort((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + piece + result.slice(end);
  }
  return result;
}

function visit(node: unknown, path: readonly string[], renames: Renames, edits: Edit[]): void {
  if (isMap(node)) {
    if (path.length === 1 && path[0] === 'metadata') replace(node, metadata(node, renames), edits);
    else for (const { key, value } of node.items) visit(value, [...path, String(key)], renames, edits);
  } else if (isSeq(node)) {
    for (const item of node.items) visit(item, path, renames, edits);
  } else if (isScalar(node)) {
    const renamed = rename(String(node.value), path, renames);
    if (renamed !== undefined) replace(node, renamed, edits);
  }
}

function rename(value: string, path: readonly string[], renames: Renames): string | undefined {
  const key = path.at(-1) as string;
  if (value === renames.tool.from && TOOL_KEYS.has(key)) return yamlText(renames.tool.to);
  if (value === EXAMPLE_AGENT && renames.agent !== undefined) return yamlText(renames.agent);
  if (path.join('.') === 'spec.upstream.url' && renames.upstream !== undefined) return yamlText(renames.upstream);
  return undefined;
}

/** The names of the catalogue's resources begin with the tool's id. */
function metadata(node: Node, { tool, namespace }: Renames): string {
  const { name } = (node as unknown as { toJSON(): { name: string } }).toJSON();
  const renamed = yamlText(name.startsWith(tool.from) ? tool.to + name.slice(tool.from.length) : name);
  return namespace === undefined ? `{name: ${renamed}}` : `{name: ${renamed}, namespace: ${yamlText(namespace)}}`;
}

function replace(node: Node, text: string, edits: Edit[]): void {
  const [start, end] = node.range as [number, number, number];
  edits.push({ start, end, text });
}
