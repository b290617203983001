/** Whatever a person is told by a reason or a code is in docs/troubleshooting.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS } from '../../../policy/errors.ts';
import { GUARD_PROBLEMS } from '../../../policy/wire/pod-contract.ts';

const ROOT = join(__dirname, '../../..');
const PAGE = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
const PAGE_CODES = new Set([...PAGE.matchAll(/`([A-Z][A-Za-z_]+)`/g)].map(([, code = '']) => code));

function codesIn(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(pattern)].map(([, code = '']) => code),
  );
}

test('every reason why a guard is not granted', () => {
  for (const problem of Object.keys(GUARD_PROBLEMS)) expect([...PAGE_CODES]).toContain(problem);
});

test('every code of doctor, and every reason of Injected and EgressGuarded', () => {
  const doctor = readdirSync(join(ROOT, 'cli/doctor')).map((file) => `cli/doctor/${file}`);
  const codes = [
    ...codesIn(doctor, /failed\([^,]+, '([A-Z][A-Za-z]+)'/g),
    ...codesIn(['operator/status/injection-aspects.ts'], /(?:not|holds)\((?:type, )?'([A-Z][A-Za-z]+)'/g),
    ...codesIn(['operator/status/injection-aspects.ts'], /'waiting', '([A-Z][A-Za-z]+)'/g),
  ];
  expect(codes.length).toBeGreaterThan(25);
  expect(codes.filter((code) => !PAGE_CODES.has(code))).toEqual([]);
});

test('every code by which a pod is refused or held up, and none that does not exist', () => {
  const known = Object.keys(ERRORS);
  const wanted = known.filter(
    (code) => code.startsWith('AEGIS_INJECT_') || /^AEGIS_CAPTURE_(CONFIG|RULES|DIFFERS)$/.test(code),
  );
  expect(wanted.filter((code) => !PAGE_CODES.has(code))).toEqual([]);
  const named = [...PAGE_CODES].filter((code) => code.startsWith('AEGIS_') && !code.endsWith('_'));
  expect(named.filter((code) => !known.includes(code))).toEqual([]);
});
