import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { CrdSchema } from '../../policy/resources/schema.ts';

export interface PrinterColumn {
  name: string;
  type: string;
  jsonPath: string;
  description: string;
  priority?: number;
}

export interface Crd {
  file: string;
  metadata: { name: string };
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames: string[];
      categories: string[];
    };
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      subresources: { status?: object };
      additionalPrinterColumns: PrinterColumn[];
      selectableFields?: { jsonPath: string }[];
      schema: { openAPIV3Schema: CrdSchema };
    }[];
  };
}

/** The CRDs in `folder`, by file name. */
export function loadCrds(folder: string): Crd[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort();
  return files.map((file) => ({ file, ...parse(readFileSync(join(folder, file), 'utf8')) }) as Crd);
}

/** The schema of the one version there is. */
export function schemaOf(crd: Crd): CrdSchema {
  const [version] = crd.spec.versions;
  if (version === undefined) throw new Error(`${crd.file}: no version`);
  return version.schema.openAPIV3Schema;
}
