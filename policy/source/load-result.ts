import type { Finding } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';

/** What a source holds: its resources in order, and everything that is wrong with it. */
export interface LoadResult {
  resources: LoadedResource[];
  findings: Finding[];
}
