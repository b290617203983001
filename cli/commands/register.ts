import { Command, Option } from 'commander';
import { checkRegistration } from '../catalogue/check-registration.ts';
import { checkId, checkNamespace } from '../catalogue/names.ts';
import { collectAnswers, type RegistrationFlags } from '../catalogue/registration-answers.ts';
import { registrationText } from '../catalogue/registration-text.ts';
import type { CommandFactory } from '../command.ts';
import { readSources } from '../files/read-sources.ts';
import { collect, parseWhole } from '../options.ts';
import { findingBlock } from '../output/findings-text.ts';
import { SourceLines } from '../output/source-excerpt.ts';

interface Flags extends RegistrationFlags {
  policies?: string[];
  out?: string;
  force?: boolean;
  output: 'text' | 'json';
}

export const registerCommand: CommandFactory = (context, done) =>
  new Command('register')
    .description('Writes the registration of an agent: who it is, which pods it runs in, what it may use.')
    .option('--agent <id>', 'id of the agent; --agent, --owner and --tools are asked for on a terminal')
    .option('--owner <who>', 'who answers for it: a person or a team')
    .option('--tools <ids>', 'tools it may use, separated by commas', collect)
    .option('--no-tools', 'it uses no tools, it only calls other agents')
    .option('--actions <tool=actions>', 'the only actions of one of the tools', collect)
    .option('--namespace <name>', 'namespace of the registration and its pods')
    .option('--selector <label=value>', 'labels of its pods; default: app=AGENT', collect)
    .option('--service-account <name>', 'ServiceAccount of its pods; default: AGENT')
    .option('--purpose <names>', 'purposes it works for', collect)
    .option('--accepts-from <agents>', 'agents that may call it; default: none', collect)
    .addOption(
      new Option('--max-depth <count>', 'callers before it at most; default: 1 when it accepts any').argParser((text) =>
        parseWhole(text, '--max-depth'),
      ),
    )
    .option('--self-origin', 'it may also act on its own; default where it accepts nobody')
    .option('--budget <limit>', 'quota over all its calls: 500/hour, cost=25.50/24h', collect)
    .option('--review-by <date>', 'when somebody must look at it again; default: in 180 days')
    .option('--policies <path>', 'folder with the tools and agents that it names, to check the names', collect)
    .option('-o, --out <file>', 'default: AGENT.registration.yaml; - is standard output')
    .option('--force', 'replace a file that is there already')
    .addOption(new Option('--output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLE)
    .action(async ({ policies, out, force = false, output, ...flags }: Flags) => {
      const answers = await collectAnswers(flags, { ask: context.ask, now: context.clock() });
      checkId(answers.agent, '--agent');
      if (answers.namespace !== undefined) checkNamespace(answers.namespace);
      const text = registrationText(answers);
      const file = out ?? `${answers.agent}.registration.yaml`;
      const others = policies === undefined ? undefined : await readSources(policies, context);
      const findings = checkRegistration({ file, text }, others, context.crypto);
      if (file === '-') {
        context.stdout(text);
      } else {
        if (force) await context.output.write(file, text);
        else await context.output.create(file, text);
        const written = { file, agent: answers.agent, findings };
        context.stdout(output === 'json' ? `${JSON.stringify(written)}\n` : `wrote ${file}\n`);
      }
      const lines = new SourceLines([{ file, text }]);
      if (output === 'text') for (const finding of findings) context.stderr(`${findingBlock(finding, lines)}\n`);
      done(findings.some(({ severity }) => severity === 'error') ? 1 : 0);
    });

const EXAMPLE = `
Nothing is permitted by a registration alone: policies say which calls of the named tools are allowed.

Examples:
  aegis register
  aegis register --agent finance-agent --owner payments@example.com --tools stripe --namespace fintech \\
    --accepts-from planner-agent --budget 500/hour --policies policies/ -o policies/finance-agent.registration.yaml
`;
