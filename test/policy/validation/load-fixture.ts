import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedResource, Resource } from '../../../policy/resources/resource.ts';
import type { LoadResult } from '../../../policy/source/load-result.ts';
import { loadYaml } from '../../../policy/source/load-yaml.ts';

export const TESTDATA = join(__dirname, '../../testdata');

/** The resources and load findings of one file below `test/testdata`. */
export function loadFixture(path: string): LoadResult & { text: string } {
  const text = readFileSync(join(TESTDATA, path), 'utf8');
  return { text, ...loadYaml(text, path) };
}

/** Paths of all YAML files in a folder below `test/testdata`, in order. */
export function fixturesIn(folder: string): string[] {
  const files = readdirSync(join(TESTDATA, folder)).filter((file) => file.endsWith('.yaml'));
  return files.sort().map((file) => `${folder}/${file}`);
}

/** A resource without a source; every position is line 1. */
export function asLoaded(object: unknown): LoadedResource {
  const locate = () => ({ file: 'memory.yaml', line: 1, column: 1 });
  return { object: object as Resource, locate, locateKey: locate };
}
