import { ERRORS, type Finding } from '../../../policy/errors.ts';
import { validateResource } from '../../../policy/validation/validate-resource.ts';
import { fixturesIn, loadFixture } from './load-fixture.ts';

/** `# expect: CODE at LINE` in the first line of every invalid file. */
function expectation(text: string): { code: string; line: number } {
  const [, code, line] = /^# expect: (AEGIS_[A-Z_]+) at ([0-9]+)\n/.exec(text) ?? [];
  if (code === undefined) throw new Error('the file does not say what to expect');
  return { code, line: Number(line) };
}

function findingsOf(path: string): Finding[] {
  const { resources, findings } = loadFixture(path);
  return [...findings, ...resources.flatMap((resource) => validateResource(resource))];
}

const files = fixturesIn('invalid');
const semantic = fixturesIn('invalid/semantic');

test('there are enough invalid files, each with a number of its own', () => {
  expect(files.length).toBeGreaterThanOrEqual(80);
  expect(semantic.length).toBeGreaterThanOrEqual(25);
  const numbers = [...files, ...semantic].map((path) => /([0-9]{3})-[a-z0-9-]+\.yaml$/.exec(path)?.[1]);
  expect(new Set(numbers).size).toBe(numbers.length);
});

test.each(files)('%s is refused with its code at its line', (path) => {
  const expected = expectation(loadFixture(path).text);
  const found = findingsOf(path);
  const places = found.map(({ code, location }) => ({ code, line: location?.line }));
  expect(places).toContainEqual(expected);
  // One mistake is one finding; only broken YAML may be reported in several ways.
  if (expected.code !== 'AEGIS_YAML_SYNTAX') expect(places).toHaveLength(1);
});

test.each(files)('%s is explained in words that help', (path) => {
  for (const { code, message, fix } of findingsOf(path)) {
    expect(message).not.toMatch(/must match|schema in|should be|undefined|\[object/);
    expect(fix ?? ERRORS[code].fix).toMatch(/[.?]$/);
  }
});

test.each(semantic)('%s is valid by itself: only the compiler can see what is wrong', (path) => {
  const { text } = loadFixture(path);
  expect(ERRORS).toHaveProperty(expectation(text).code);
  expect(findingsOf(path)).toEqual([]);
});

test('a good document beside a bad one is still loaded and valid', () => {
  const { resources } = loadFixture(files.find((path) => path.includes('second-document')) ?? '');
  expect(resources.map(({ object }) => object.metadata.name)).toEqual(['finance-payments']);
  expect(resources.flatMap((resource) => validateResource(resource))).toEqual([]);
});
