/** The files of the catalogue: part of the bundled program, or those of the checkout that it runs from. */
import { readdir, readFile } from 'node:fs/promises';
import { AegisError } from '../../policy/errors.ts';

/** Texts by path below `config/tools/`, such as `stripe/tool.yaml`. */
export type CatalogueFiles = Readonly<Record<string, string>>;

/** Set by scripts/build.mjs (esbuild `define`), so that the bundled program needs no files beside it. */
declare const AEGIS_CATALOGUE: CatalogueFiles | undefined;

/** @throws AegisError AEGIS_CATALOGUE_BROKEN */
export async function catalogueFiles(folder: URL): Promise<CatalogueFiles> {
  return typeof AEGIS_CATALOGUE === 'undefined' ? readCatalogue(folder) : AEGIS_CATALOGUE;
}

async function readCatalogue(folder: URL): Promise<CatalogueFiles> {
  try {
    const names = await readdir(folder, { recursive: true });
    const yaml = names.map((name) => name.replaceAll('\\', '/')).filter((name) => name.endsWith('.yaml'));
    const texts = await Promise.all(yaml.sort().map((name) => readFile(new URL(name, folder), 'utf8')));
    return Object.fromEntries(yaml.map((name, index) => [name, texts[index] as string]));
  } catch (cause) {
    throw new AegisError('AEGIS_CATALOGUE_BROKEN', 'config/tools/ cannot be read.', { cause });
  }
}
