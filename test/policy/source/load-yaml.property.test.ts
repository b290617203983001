import fc from 'fast-check';
import { stringify } from 'yaml';
import type { SourceLocation } from '../../../policy/errors.ts';
import { findForbiddenCharacter } from '../../../policy/source/forbidden-characters.ts';
import { loadJson } from '../../../policy/source/load-json.ts';
import { loadSources } from '../../../policy/source/load-sources.ts';
import { loadYaml } from '../../../policy/source/load-yaml.ts';

/** Pieces that steer random text into the corners of the grammar. */
const FRAGMENTS = [
  ...[
    '---\n',
    '...\n',
    '\n',
    '  ',
    '- ',
    '? ',
    ': ',
    ':',
    ',',
    '[',
    ']',
    '{',
    '}',
    '&a ',
    '*a',
    '!!str ',
    '!x ',
    '|\n',
  ],
  ...['>-\n', '"', "'", '#', '# c\n', '%YAML 1.2\n', '\t', '\r\n', 'kind: List\n', 'items:\n', 'a: 1\n', '<<: ', '0x1'],
  ...['apiVersion: aegis.dev/v1alpha1\n', 'kind: AgentPolicy\n', 'metadata: {name: a}\n', '\u0000', '\ud800', '~', '@'],
];

const key = fc
  .oneof(fc.constantFrom('a', 'b', 'no', '5', 'a b', 'toString'), fc.string({ maxLength: 8 }))
  .filter((text) => {
    return text !== '__proto__' && text !== '<<';
  });
const leaf = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((value) => (value === 0 ? 0 : value)),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('yes', '1_000', '---', '2026-01-01', 'two\nlines\n', ' lead', '', '*a', '!x', '0x1'),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

function resourceOf(spec: unknown): object {
  return { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentPolicy', metadata: { name: 'a' }, spec };
}

function textAt(text: string, { line, column }: SourceLocation): string {
  return (
    text
      .split('\n')
      .slice(line - 1)
      .join('\n') as string
  ).slice(column - 1);
}

/** Every scalar below `value` with its path. */
function scalars(value: unknown, path: (string | number)[] = []): { path: (string | number)[]; value: unknown }[] {
  if (typeof value !== 'object' || value === null) return [{ path, value }];
  return Object.entries(value).flatMap(([name, item]) =>
    scalars(item, [...path, Array.isArray(value) ? Number(name) : name]),
  );
}

test('random text never throws, and every finding has a place in it', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 3 })), { maxLength: 40 })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, fc.constantFrom('a.yaml', 'a.json'), (content, file) => {
      const { resources, findings } = loadSources([{ file, text: content }]);
      const lines = content.split('\n').length;
      for (const finding of findings) {
        expect(finding.location?.line).toBeGreaterThanOrEqual(1);
        expect(finding.location?.line).toBeLessThanOrEqual(lines);
        expect(finding.location?.column).toBeGreaterThanOrEqual(1);
      }
      for (const resource of resources) resource.locate(['metadata', 'name']);
    }),
    { numRuns: 2000 },
  );
});

test('JSON comes back as it was, and each scalar is found at its place', () => {
  fc.assert(
    fc.property(tree, fc.constantFrom(undefined, 1, '\t'), (spec, indent) => {
      const text = JSON.stringify(resourceOf(spec), null, indent);
      fc.pre(findForbiddenCharacter(text) === undefined);
      const { resources, findings } = loadJson(text, 'a.json');
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(resources[0]?.object).toEqual(JSON.parse(text));
      for (const scalar of scalars(spec, ['spec'])) {
        const location = resources[0]?.locate(scalar.path) as SourceLocation;
        expect(textAt(text, location).startsWith(JSON.stringify(scalar.value))).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

test('block YAML comes back as it was, and a new parse of the text at a place begins with the scalar', () => {
  fc.assert(
    fc.property(tree, (spec) => {
      const text = stringify(resourceOf(spec), { lineWidth: 0, aliasDuplicateObjects: false });
      fc.pre(findForbiddenCharacter(text) === undefined);
      const { resources, findings } = loadYaml(text, 'a.yaml');
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(resources[0]?.object).toEqual(resourceOf(spec));
      for (const { path, value } of scalars(spec, ['spec'])) {
        const rest = textAt(text, resources[0]?.locate(path) as SourceLocation);
        if (typeof value === 'string') expect(startsScalar(rest, value)).toBe(true);
        else expect(rest.startsWith(stringify(value).trim())).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});

function startsScalar(rest: string, value: string): boolean {
  return /^["'|>]/.test(rest) || rest.startsWith(value);
}
