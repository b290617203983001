/** What becomes of the pods in `golden/*.in.yaml`, as committed. `AEGIS_UPDATE_GOLDEN=1` writes it anew. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { checkPod } from '../../../operator/injection/check-pod.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import type { AdmittedPod } from '../../../operator/injection/types.ts';
import { digest, situation, type Variation } from './sample-injection.ts';

const GOLDEN = join(process.cwd(), 'test/operator/injection/golden');
const cases = readdirSync(GOLDEN).flatMap((file) =>
  file.endsWith('.in.yaml') ? [file.slice(0, -'.in.yaml'.length)] : [],
);

test.each(cases)('%s', (name) => {
  const [variation, pod] = parseAllDocuments(readFileSync(join(GOLDEN, `${name}.in.yaml`), 'utf8')).map((document) =>
    document.toJS(),
  ) as [Variation | null, AdmittedPod];
  const { facts, namespace, settings } = situation(variation ?? {});
  const before = JSON.stringify(pod);

  const injected = injectPod(pod, facts, namespace, settings, digest);

  expect(JSON.stringify(pod)).toBe(before);
  const warnings = injected.warnings.map((warning) => `# warning: ${warning}\n`).join('');
  const text = warnings + stringify(injected.pod, { lineWidth: 0, aliasDuplicateObjects: false });
  const file = join(GOLDEN, `${name}.out.yaml`);
  if (process.env.AEGIS_UPDATE_GOLDEN === '1') writeFileSync(file, text);
  expect(existsSync(file) && readFileSync(file, 'utf8')).toBe(text);
  if (name.startsWith('refused-')) return;
  expect(checkPod(injected.pod, [{ facts, namespace, settings }], digest)).toEqual([]);
});
