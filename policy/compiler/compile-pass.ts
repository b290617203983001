import type { Finding } from '../errors.ts';
import type { CompileCache } from './compile-cache.ts';
import type { CompileOptions } from './compile-options.ts';
import type { SortedResources } from './tenant-resources.ts';

/** One compilation under way: what its parts share and where they report. */
export interface CompilePass {
  options: CompileOptions;
  cache: CompileCache;
  sorted: SortedResources;
  platformNamespace: string;
  findings: Finding[];
  /** Policies left out because of an error, by id. */
  rejected: Set<string>;
}
