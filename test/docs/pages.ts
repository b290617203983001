/** The pages that users read, and what is written in them. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

export const ROOT = join(__dirname, '..', '..');

export interface Page {
  /** From the root of the repository. */
  path: string;
  text: string;
  /** Without code blocks. */
  prose: string;
  blocks: readonly { language: string; text: string }[];
}

const FENCE = /^( *)```([a-z]*)\n([\s\S]*?)^\1```$/gm;

/** README.md, everything in docs/, and the README of every folder. */
export function readPages(): Page[] {
  const paths = ['README.md', ...markdownBelow('docs')];
  for (const folder of ['bench', 'config', 'examples']) paths.push(...markdownBelow(folder));
  return paths.map(readPage);
}

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const blocks = [...text.matchAll(FENCE)].map(([, , language = '', body = '']) => ({ language, text: body }));
  return { path, text, prose: text.replaceAll(FENCE, ''), blocks };
}

function markdownBelow(folder: string): string[] {
  return filesBelow(folder).filter((path) => path.endsWith('.md'));
}

/** Files below a folder of the repository, from its root. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(ROOT, folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => relative(ROOT, path))
    .sort();
}

/** What stands in backquotes. */
export function codeIn({ prose }: Page): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
}
