import { Command, Option } from 'commander';
import { AegisError, type Finding } from '../../policy/errors.ts';
import { Coverage } from '../../policy/explain/coverage.ts';
import type { CommandFactory } from '../command.ts';
import type { CliContext } from '../context.ts';
import { readSources } from '../files/read-sources.ts';
import { parsePercent } from '../options.ts';
import { findingBlock } from '../output/findings-text.ts';
import { SourceLines } from '../output/source-excerpt.ts';
import { testJunit } from '../output/test-junit.ts';
import { percentText, testText } from '../output/test-text.ts';
import { runVectors } from '../testing/run-vectors.ts';
import { suiteFindings } from '../testing/suite-findings.ts';
import { type TestReport, testReport } from '../testing/test-report.ts';
import { collectVectors } from '../testing/vectors.ts';
import { decideDeps, newLocalSystem } from '../workspace/open-workspace.ts';
import { Tracer } from '../workspace/tracer.ts';
import { hasErrors } from '../workspace/workspace.ts';

interface Options {
  run?: RegExp;
  minCoverage?: number;
  coverage?: boolean;
  output: 'text' | 'json';
  format?: 'text' | 'json' | 'junit';
}

export const testCommand: CommandFactory = (context, done) =>
  new Command('test')
    .description('Runs the test vectors of policies and test suites, and measures what they exercise.')
    .argument('<path...>', 'files or folders with resources; - is standard input')
    .addOption(new Option('--run <regex>', 'only vectors whose name matches').argParser(parsePattern))
    .addOption(
      new Option('--min-coverage <percent>', 'fail below this part of the branches').argParser((text) =>
        parsePercent(text, '--min-coverage'),
      ),
    )
    .option('--coverage', 'show every rule and condition with its count')
    .addOption(new Option('--output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .addOption(new Option('--format <format>', 'the same, and junit').choices(['text', 'json', 'junit']))
    .addHelpText('after', EXAMPLE)
    .action(async (paths: string[], options: Options) => {
      const sources = await readSources(paths, context);
      const lines = new SourceLines(sources);
      const system = await newLocalSystem(context);
      const update = system.update(sources);
      const findings = [...update.findings, ...update.suites.flatMap(suiteFindings)];
      if (hasErrors(findings)) {
        refuse(context, findings, lines);
        done(1);
        return;
      }
      const all = collectVectors(update.resources, update.suites);
      const vectors = all.filter(({ name }) => options.run === undefined || options.run.test(name));
      if (vectors.length === 0) throw new AegisError('AEGIS_NO_TESTS', noTests(all.length));
      const tracer = new Tracer(update);
      const coverage = new Coverage(update.tenants.flatMap(({ policies }) => policies.map(({ source }) => source)));
      // one instant for all vectors that state none
      const started = context.clock();
      const decide = { ...decideDeps(context), now: () => started };
      const results = await runVectors(vectors, { system, tracer, coverage, decide });
      const report = testReport(results, coverage, tracer);
      context.stdout(rendered(report, options, lines));
      done(verdict(report, options, context));
    });

const EXAMPLE = `
A vector is a call and its expected verdict: under spec.tests of an AgentPolicy, or under spec.cases of a TestSuite.
Limits are not counted. Exit code 0 when all pass, 1 when one fails or coverage is too low, 2 for wrong use.

Examples:
  aegis test config/samples/fintech
  aegis test policies/ --min-coverage 90 --format junit > junit.xml
  aegis test policies/ --run '^HTTP' --coverage
`;

function parsePattern(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (cause) {
    throw new AegisError('AEGIS_USAGE', '--run takes a regular expression.', { cause });
  }
}

function noTests(all: number): string {
  return all === 0 ? 'The policies carry no test vectors.' : `None of the ${all} vectors matches --run.`;
}

/** What is refused takes no part in decisions, so that vectors would only say so again. */
function refuse(context: CliContext, findings: readonly Finding[], lines: SourceLines): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  context.stderr(`${errors.map((finding) => findingBlock(finding, lines)).join('\n\n')}\n\nnothing was tested\n`);
}

function rendered(report: TestReport, options: Options, lines: SourceLines): string {
  switch (options.format ?? options.output) {
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'junit':
      return testJunit(report);
    default:
      return testText(report, lines, { details: options.coverage === true });
  }
}

function verdict(report: TestReport, { minCoverage }: Options, context: CliContext): 0 | 1 {
  if (report.failed > 0) return 1;
  if (minCoverage === undefined || report.coverage.percent >= minCoverage) return 0;
  context.stderr(`coverage is ${percentText(report.coverage.percent)}, below ${minCoverage} %\n`);
  return 1;
}
