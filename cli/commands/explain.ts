import { Command, Option } from 'commander';
import { passes } from '../../gateway/enforcement/decision.ts';
import { parseDecisionInputs } from '../../policy/decision/parse-input.ts';
import { parseJson } from '../../policy/decision/parse-json.ts';
import { AegisError } from '../../policy/errors.ts';
import type { Explanation } from '../../policy/explain/explanation.ts';
import type { CommandFactory } from '../command.ts';
import type { CliContext } from '../context.ts';
import { readFileText } from '../files/bundle-files.ts';
import { readSources } from '../files/read-sources.ts';
import { readStdin } from '../files/read-stdin.ts';
import { collect } from '../options.ts';
import { explainText } from '../output/explain-text.ts';
import { findingBlock } from '../output/findings-text.ts';
import { SourceLines } from '../output/source-excerpt.ts';
import { unwrapped } from '../workspace/decide-text.ts';
import { Explainer } from '../workspace/explainer.ts';
import { fetchDecision } from '../workspace/fetch-decision.ts';
import { decideDeps, newLocalSystem } from '../workspace/open-workspace.ts';
import { Tracer } from '../workspace/tracer.ts';

interface Options {
  policies: string[];
  server: string;
  output: 'text' | 'json';
}

export const explainCommand: CommandFactory = (context, done) =>
  new Command('explain')
    .description('Says why a call is decided as it is, on which lines that stands, and what would have to change.')
    .argument('<input>', 'a call as JSON, a file with one, - for standard input, or the id of a decision')
    .requiredOption('--policies <path>', 'files or folders with resources; may stand several times', collect)
    .option('--server <url>', 'where a decision id is looked up', 'http://127.0.0.1:8181')
    .addOption(new Option('--output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLE)
    .action(async (input: string, options: Options) => {
      const sources = await readSources(options.policies, context);
      const lines = new SourceLines(sources);
      const system = await newLocalSystem(context);
      const update = system.update(sources);
      const errors = update.findings.filter(({ severity }) => severity === 'error');
      for (const finding of errors) context.stderr(`${findingBlock(finding, lines)}\n\n`);
      const explainer = new Explainer(system, new Tracer(update), decideDeps(context));
      const explanations = await explain(input, explainer, options, context);
      const json = explanations.length === 1 ? explanations[0] : explanations;
      const text = explanations.map((explanation) => explainText(explanation, lines)).join('\n');
      context.stdout(options.output === 'json' ? `${JSON.stringify(json, null, 2)}\n` : text);
      done(explanations.every(passes) ? 0 : 1);
    });

const EXAMPLE = `
Values of parameters are shown only from the call that you hand in, and never where the tool declares them sensitive.
Exit code 0 when the call passes, 1 when it is refused, 2 for wrong use.

Examples:
  aegis explain --policies config/samples/fintech -- '{"agent":"finance-agent","tool":"stripe-payments",
    "action":"create_payment","params":{"amount":50000,"currency":"USD"}}'
  aegis explain call.json --policies policies/
  aegis explain 01981e2f-6d1c-7b3a-9c41-2f0d8f6f5a10 --policies policies/
`;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

async function explain(
  input: string,
  explainer: Explainer,
  options: Options,
  context: CliContext,
): Promise<Explanation[]> {
  if (UUID.test(input)) return [explainer.stored(await fetchDecision(options.server, input.toLowerCase()))];
  const explanations: Explanation[] = [];
  for (const call of calls(await inputText(input, context))) explanations.push(await explainer.call(call));
  return explanations;
}

function inputText(input: string, context: CliContext): Promise<string> | string {
  if (input.trimStart().startsWith('{')) return input;
  return input === '-' ? readStdin(context.stdin) : readFileText(input, context.files);
}

/** A call that cannot be read is wrong use: there is nothing to explain. */
function calls(text: string) {
  try {
    return parseDecisionInputs(unwrapped(parseJson(text).value));
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    throw new AegisError('AEGIS_USAGE', `The input is not a call: ${error.message} (${error.code}).`, { cause: error });
  }
}
