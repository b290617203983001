/** What the compiler makes of `golden/<case>/in.yaml`, as committed. `AEGIS_UPDATE_GOLDEN=1` writes it anew. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { committed, outputs, update } from './golden-case.ts';

const GOLDEN = join(process.cwd(), 'test/policy/compiler/golden');
const cases = readdirSync(GOLDEN, { withFileTypes: true }).filter((entry) => entry.isDirectory());

test.each(cases.map(({ name }) => name))('%s', (name) => {
  const folder = join(GOLDEN, name);
  const files = outputs(folder);
  if (process.env.AEGIS_UPDATE_GOLDEN === '1') update(folder, files);
  expect(Object.fromEntries(files)).toEqual(Object.fromEntries(committed(folder)));
});
