import { join } from 'node:path';
import type { CrdSchema } from '../../policy/resources/schema.ts';
import { type Crd, loadCrds, schemaOf } from '../../scripts/generate/load-crds.ts';

export const ROOT = join(__dirname, '../..');
export const CRDS: Crd[] = loadCrds(join(ROOT, 'crds'));

/** A schema and where it stands, e.g. `AgentPolicy.spec.rules[].name`. */
export interface SchemaNode {
  path: string;
  schema: CrdSchema;
  /** The schema it is a field of. */
  parent?: CrdSchema;
  field?: string;
}

/** Every schema of a kind, outermost first. */
export function nodesOf(crd: Crd): SchemaNode[] {
  const nodes: SchemaNode[] = [];
  const visit = (node: SchemaNode) => {
    nodes.push(node);
    const { schema, path } = node;
    for (const [field, each] of Object.entries(schema.properties ?? {})) {
      visit({ path: `${path}.${field}`, schema: each, parent: schema, field });
    }
    if (schema.items !== undefined) visit({ path: `${path}[]`, schema: schema.items });
    if (schema.additionalProperties !== undefined) visit({ path: `${path}{}`, schema: schema.additionalProperties });
  };
  visit({ path: crd.spec.names.kind, schema: schemaOf(crd) });
  return nodes;
}
