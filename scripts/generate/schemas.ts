import { type Crd, schemaOf } from './load-crds.ts';

/** The schemas of all kinds as the text of one TypeScript module, without descriptions. */
export function generateSchemas(crds: Crd[]): string {
  const entries = crds.map((crd) => {
    const { kind, plural } = crd.spec.names;
    const schema = stripDescriptions(schemaOf(crd));
    return `  ${kind}: ${JSON.stringify({ kind, plural, scope: crd.spec.scope, schema }, null, 1).replaceAll('\n', '\n  ')},`;
  });
  return `// Generated from crds/ by \`node scripts/generate.ts\`. Do not edit.
import type { KindSchema } from './schema.ts';
import type { AegisKind } from './types.generated.ts';

/** Structural schema of every kind, with CEL rules and defaults. */
export const KIND_SCHEMAS: Readonly<Record<AegisKind, KindSchema>> = {
${entries.join('\n')}
};
`;
}

function stripDescriptions(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, each) => (key === 'description' && typeof each === 'string' ? undefined : each)),
  );
}
