import { readFileSync } from 'node:fs';
import { expand, parseCommand, parseDockerfile, parsePairs } from '../../../e2e/images/dockerfile.ts';

test('stages, flags, comments and joined lines', () => {
  const text = `# syntax
ARG BASE=debian
FROM \${BASE} AS build
# inside
RUN one \\
    # between
    && two
COPY --from=other --chown=1:2 a b /c/
FROM scratch
ENTRYPOINT ["/x", "y"]
`;
  expect(parseDockerfile(text)).toEqual({
    args: { BASE: 'debian' },
    stages: [
      {
        base: `\${BASE}`,
        name: 'build',
        instructions: [
          { word: 'RUN', flags: {}, text: 'one && two' },
          { word: 'COPY', flags: { from: 'other', chown: '1:2' }, text: 'a b /c/' },
        ],
      },
      { base: 'scratch', instructions: [{ word: 'ENTRYPOINT', flags: {}, text: '["/x", "y"]' }] },
    ],
  });
});

test.each([
  'ADD a b',
  'HEALTHCHECK NONE',
  'COPY --link a b',
  'RUN --mount=type=cache x',
  'RUN cat <<EOF',
])('what is not understood is refused: %s', (line) => {
  expect(() => parseDockerfile(`FROM scratch\n${line}\n`)).toThrow('not understood');
});

test('nothing may stand before FROM but ARG', () => {
  expect(() => parseDockerfile('RUN x\nFROM scratch\n')).toThrow('RUN before FROM');
  expect(() => parseDockerfile('ARG X=1\n')).toThrow('needs FROM');
});

test('pairs, commands and variables', () => {
  expect(parsePairs('A=1 B="two \\"words\\"" C=\'x y\'')).toEqual({ A: '1', B: 'two "words"', C: 'x y' });
  expect(parseCommand('["a", "b c"]')).toEqual(['a', 'b c']);
  expect(parseCommand('a $B')).toEqual(['/bin/sh', '-c', 'a $B']);
  expect(expand(`$A-\${A}-\${B:-b}-\${C}.`, { A: '1' })).toBe('1-1-b-.');
});

test.each([
  'Dockerfile',
  'Dockerfile.operator',
  'e2e/images/workload/Dockerfile',
  'e2e/images/stand-in/Dockerfile',
])('the repository’s %s is understood', (file) => {
  expect(parseDockerfile(readFileSync(file, 'utf8')).stages.length).toBeGreaterThan(0);
});
