import { Command, Option } from 'commander';
import type { Finding } from '../../policy/errors.ts';
import type { CommandFactory } from '../command.ts';
import { readSources } from '../files/read-sources.ts';
import { parseWhole } from '../options.ts';
import { findingsGithub } from '../output/findings-github.ts';
import { findingsJson } from '../output/findings-json.ts';
import { findingsSarif } from '../output/findings-sarif.ts';
import { findingsText, type LintSummary } from '../output/findings-text.ts';
import { SourceLines } from '../output/source-excerpt.ts';
import { VERSION } from '../version.ts';
import { lintSources } from '../workspace/lint-sources.ts';

type Format = 'text' | 'json' | 'sarif' | 'github';

interface Options {
  format?: Format;
  output?: 'text' | 'json';
  maxWarnings: number;
}

export const lintCommand: CommandFactory = (context, done) =>
  new Command('lint')
    .description('Checks policies: form, references, conflicts, rules that never apply or always deny.')
    .argument('<path...>', 'files or folders with resources; - is standard input')
    .addOption(new Option('--format <format>', 'default: text').choices(['text', 'json', 'sarif', 'github']))
    .addOption(new Option('--output <format>', 'the same, as in other commands').choices(['text', 'json']))
    .addOption(
      new Option('--max-warnings <count>', 'how many warnings still pass; infos never count')
        .default(0)
        .argParser((text) => parseWhole(text, '--max-warnings')),
    )
    .addHelpText('after', EXAMPLE)
    .action(async (paths: string[], options: Options) => {
      const sources = await readSources(paths, context);
      const { findings, summary } = lintSources(sources, context.crypto);
      const format = options.format ?? options.output ?? 'text';
      context.stdout(rendered(format, findings, summary, new SourceLines(sources)));
      done(summary.errors > 0 || summary.warnings > options.maxWarnings ? 1 : 0);
    });

const EXAMPLE = `
Policies are checked together: name the folder with the tools and registrations that they speak of.
Exit code 0 when nothing is wrong, 1 with errors or too many warnings, 2 when a path cannot be read.

Examples:
  aegis lint config/samples/fintech
  aegis lint policies/ --format sarif > aegis.sarif
  kustomize build overlays/prod | aegis lint -
`;

function rendered(format: Format, findings: Finding[], summary: LintSummary, lines: SourceLines): string {
  switch (format) {
    case 'json':
      return findingsJson(findings, summary);
    case 'sarif':
      return findingsSarif(findings, VERSION);
    case 'github':
      return findingsGithub(findings, summary);
    default:
      return findingsText(findings, summary, lines);
  }
}
