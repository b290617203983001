/** The tool catalogue as a constant of the bundled program, so that it needs no files beside it. */
import { readdirSync, readFileSync } from 'node:fs';

/** For esbuild's `define`: texts by path below config/tools/. */
export function catalogueDefine(folder = new URL('../config/tools/', import.meta.url)) {
  const names = readdirSync(folder, { recursive: true })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  const texts = Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]));
  return { AEGIS_CATALOGUE: JSON.stringify(texts) };
}
