import { parseAllDocuments } from 'yaml';
import { aegis } from '../cli/support/memory-context.ts';
import { readPages } from './pages.ts';

/** What a block cannot know by itself: the resources that are beside it in a repository. */
const ELSEWHERE = /^AEGIS_(?:UNKNOWN|MISSING)_(?:AGENT|TOOL)/;

interface Report {
  findings: { code: string; severity: string; message: string }[];
}

const blocks = readPages().flatMap(({ path, blocks }) =>
  blocks
    .filter(({ language }) => language === 'yaml')
    .map(({ text }, index) => ({ name: `${path} #${index + 1}`, text })),
);

test.each(blocks)('$name is YAML', ({ text }) => {
  expect(parseAllDocuments(text).flatMap(({ errors }) => errors.map(String))).toEqual([]);
});

const resources = blocks.filter(({ text }) => /^apiVersion: aegis\.dev\//m.test(text));

test('there are resources to look at', () => expect(resources.length).toBeGreaterThan(0));

test.each(resources)('$name: lint finds nothing in its resources', async ({ text }) => {
  const { stdout } = await aegis(['lint', 'page.yaml', '--output', 'json'], { 'page.yaml': text });
  const { findings } = JSON.parse(stdout) as Report;
  const own = findings.filter(({ code, severity }) => severity !== 'info' && !ELSEWHERE.test(code));
  expect(own).toEqual([]);
});
