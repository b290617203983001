/**
 * Derives everything that follows from `crds/` (TypeScript types, schema constants, editor schemas, the reference page)
 * from the tables of the programs' settings (their pages, their editor schemas), and what of the Helm chart follows from
 * the plain manifests and from the table of its values.
 * `node scripts/generate.ts` writes them; `--check` writes nothing and exits 1 where a committed file differs.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chartTemplates } from './generate/chart/manifests.ts';
import { generateValues, generateValuesPage, generateValuesSchema } from './generate/chart/values-files.ts';
import { generateEditorSchemas, generateEditorSettings } from './generate/editor-schemas.ts';
import { GATEWAY_PAGE } from './generate/gateway-settings.ts';
import { loadCrds } from './generate/load-crds.ts';
import { OPERATOR_PAGE } from './generate/operator-settings.ts';
import { generateReference } from './generate/reference.ts';
import { generateSchemas } from './generate/schemas.ts';
import { generateSettingsPage, generateSettingsSchema } from './generate/settings-page.ts';
import { generateTypes } from './generate/types.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const check = process.argv.includes('--check');

/** Generated files by path from the root. */
function outputs(): Map<string, string> {
  const crds = loadCrds(join(root, 'crds'));
  return new Map([
    ['policy/resources/types.generated.ts', generateTypes(crds)],
    ['policy/resources/schemas.generated.ts', generateSchemas(crds)],
    ...generateEditorSchemas(crds),
    ['.vscode/settings.json', generateEditorSettings()],
    ['docs/reference.md', generateReference(crds)],
    ['docs/gateway-configuration.md', generateSettingsPage(GATEWAY_PAGE)],
    ['schemas/gateway-config.json', generateSettingsSchema(GATEWAY_PAGE)],
    ['docs/operator-configuration.md', generateSettingsPage(OPERATOR_PAGE)],
    ['schemas/operator-config.json', generateSettingsSchema(OPERATOR_PAGE)],
    ...chartTemplates(root),
    ['charts/aegis/values.yaml', generateValues()],
    ['charts/aegis/values.schema.json', generateValuesSchema()],
    ['docs/helm-values.md', generateValuesPage()],
  ]);
}

let stale = 0;
for (const [path, text] of outputs()) {
  const target = join(root, path);
  if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
  if (check) {
    stale += 1;
    console.error(`${path} is not what its source says; run: node scripts/generate.ts`);
  } else {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    console.log(`wrote ${path}`);
  }
}
if (stale > 0) process.exitCode = 1;
