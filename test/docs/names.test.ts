/** Names in the pages are those of the code: codes, reasons, files, settings, commands. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS as GATEWAY_SETTINGS } from '../../gateway/config/settings.ts';
import { SETTINGS as OPERATOR_SETTINGS } from '../../operator/config/settings.ts';
import { ERRORS } from '../../policy/errors.ts';
import { environmentName } from '../../runtime/settings/setting.ts';
import { aegis } from '../cli/support/memory-context.ts';
import { codeIn, filesBelow, type Page, ROOT, readPage, readPages } from './pages.ts';

const pages = readPages();
const each = pages.map((page) => [page.path, page] as const);

function inCode(folders: readonly string[]): string {
  const files = folders.flatMap(filesBelow).filter((path) => /\.(?:ts|ya?ml|lua)$/.test(path));
  return files.map((path) => readFileSync(join(ROOT, path), 'utf8')).join('\n');
}

/** Variables: settings of the programs, and those that other files of the code read or set. */
const VARIABLES: ReadonlySet<string> = new Set([
  'AEGIS_GATEWAY_CONFIG',
  'AEGIS_OPERATOR_CONFIG',
  ...Object.keys(GATEWAY_SETTINGS).map((key) => environmentName('AEGIS_GATEWAY_', key)),
  ...Object.keys(OPERATOR_SETTINGS).map((key) => environmentName('AEGIS_OPERATOR_', key)),
  ...[
    ...inCode(['runtime', 'gateway', 'operator', 'policy/wire', 'scripts', 'e2e']).matchAll(
      /(?<=['.])AEGIS_[A-Z_]+\b/g,
    ),
  ].map(([name]) => name),
]);
const PREFIXES = ['AEGIS_GATEWAY_', 'AEGIS_OPERATOR_', 'AEGIS_TOOL_'];

test.each(each)('%s: every AEGIS_ name is an error code or a variable', (_, { text }) => {
  const names = new Set(text.match(/\bAEGIS_[A-Z0-9_]*/g) ?? []);
  const unknown = [...names].filter((name) => {
    if (Object.hasOwn(ERRORS, name) || VARIABLES.has(name) || PREFIXES.includes(name)) return false;
    if (/^AEGIS_TOOL_[A-Z0-9_]+_URL$/.test(name)) return false;
    return !(name.endsWith('_') && Object.keys(ERRORS).some((code) => code.startsWith(name)));
  });
  expect(unknown).toEqual([]);
});

describe('reasons of conditions and Events', () => {
  const code = inCode(['operator', 'policy', 'gateway', 'cli', 'crds', 'config']);
  /** Of Kubernetes and of GitOps tools. */
  const FOREIGN = new Set(
    'HealthCheckFailed FailedCreate CrashLoopBackOff ImagePullBackOff ErrImagePull OOMKilled ProgressDeadlineExceeded HelmRelease ServerSideDiff'.split(
      ' ',
    ),
  );

  test.each([
    'docs/troubleshooting.md',
    'docs/status.md',
    'docs/install.md',
    'docs/first-agent.md',
    'docs/gitops.md',
  ])('%s: every name of two words is in the code', (path) => {
    const words = codeIn(readPage(path)).filter((word) => /^[A-Z][a-z]+(?:[A-Z][a-z]+)+$/.test(word));
    const unknown = [...new Set(words)].filter((word) => !FOREIGN.has(word) && !new RegExp(`\\b${word}\\b`).test(code));
    expect(unknown).toEqual([]);
  });
});

describe('files', () => {
  const FOLDERS =
    /^(?:bench|charts|cli|config|crds|docs|e2e|examples|gateway|operator|policy|runtime|schemas|scripts|test|tools)\//;

  function missing(path: string): boolean {
    const clean = path.replace(/[),.:;]+$/, '');
    // patterns, alternatives and what a reader fills in
    if (/[*{}<>…$"']|\bPATH\b/.test(clean)) return false;
    return FOLDERS.test(clean) && !existsSync(join(ROOT, clean));
  }

  test.each(each)('%s: files that it names are there', (_, page) => {
    const named = codeIn(page).flatMap((code) => code.split(' '));
    const inBlocks = page.blocks
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => text.split(/\s+/))
      .filter((word) => FOLDERS.test(word));
    expect([...named, ...inBlocks].filter(missing)).toEqual([]);
  });
});

describe('commands', () => {
  function commandsIn({ text }: Page): string[] {
    return [...text.matchAll(/(?:npx |`|^ {4})aegis ([a-z]+)\b/gm)].map(([, name = '']) => name);
  }

  test('every `aegis …` is a command', async () => {
    const { stdout } = await aegis(['--help'], {});
    const known = new Set([...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name));
    const unknown = pages.flatMap((page) =>
      commandsIn(page)
        .filter((name) => !known.has(name))
        .map((name) => `${page.path}: aegis ${name}`),
    );
    expect(unknown).toEqual([]);
  });
});
