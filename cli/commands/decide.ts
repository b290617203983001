import { Command, Option } from 'commander';
import { type Decision, passes, toResult } from '../../gateway/enforcement/decision.ts';
import type { CommandFactory } from '../command.ts';
import type { CliContext } from '../context.ts';
import { readFileText } from '../files/bundle-files.ts';
import { readStdin } from '../files/read-stdin.ts';
import { collect } from '../options.ts';
import { findingText } from '../output/error-text.ts';
import { decideText } from '../workspace/decide-text.ts';
import { decideDeps, openWorkspace } from '../workspace/open-workspace.ts';
import { hasErrors } from '../workspace/workspace.ts';

interface Options {
  policies: string[];
  input: string;
  output: 'text' | 'json';
}

export const decideCommand: CommandFactory = (context, done) =>
  new Command('decide')
    .description('Decides tool calls offline: one JSON document, or one per line (NDJSON).')
    .requiredOption('--policies <path>', 'files or folders with resources; may stand several times', collect)
    .requiredOption('--input <file>', 'the call or calls; - is standard input')
    .addOption(new Option('--output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', EXAMPLE)
    .action(async (options: Options) => {
      const { system, update } = await openWorkspace(options.policies, context);
      for (const finding of update.findings) {
        if (finding.severity === 'error') context.stderr(`${findingText(finding)}\n`);
      }
      const deps = decideDeps(context);
      let refused = hasErrors(update.findings);
      for (const line of documents(await inputText(options.input, context))) {
        for (const decision of await decideText(line, system.activations, deps)) {
          refused ||= !passes(decision);
          context.stdout(
            `${options.output === 'json' ? JSON.stringify(toResult(decision)) : decisionText(decision)}\n`,
          );
        }
      }
      done(refused ? 1 : 0);
    });

const EXAMPLE = `
Exit code 0 when every call passes, 1 when one is refused or a policy has errors (such a policy takes no part).

Example:
  echo '{"agent":"finance-agent","tool":"stripe-payments","action":"create_payment",
         "params":{"amount":4999,"currency":"USD"}}' |
    aegis decide --policies config/samples/fintech --input -
`;

function inputText(file: string, context: CliContext): Promise<string> {
  return file === '-' ? readStdin(context.stdin) : readFileText(file, context.files);
}

/** The whole text where it is one document; its lines where some of them are documents of their own. */
function documents(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length > 1 && lines.some(isObject) && !isJson(text) ? lines : [text];
}

function isObject(line: string): boolean {
  return line.trimStart().startsWith('{') && isJson(line);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** `approval_needed  fintech/finance-payments/cap-payments: amount must be at most 5000. (ABOVE_MAXIMUM)` */
export function decisionText({ taken, reasons }: Decision): string {
  const [reason] = reasons;
  if (reason === undefined) return taken;
  const rule = reason.policy === undefined ? '' : `${reason.policy}/${reason.rule}: `;
  return `${taken}\t${rule}${reason.message} (${reason.code})`;
}
