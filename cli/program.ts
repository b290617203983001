/** The command line as a whole: which commands there are, and how their errors reach the user. */
import { Command, CommanderError } from 'commander';
import { AegisError } from '../policy/errors.ts';
import type { CommandFactory } from './command.ts';
import { compileCommand } from './commands/compile.ts';
import { decideCommand } from './commands/decide.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { gatewayCommand } from './commands/gateway.ts';
import { keygenCommand } from './commands/keygen.ts';
import { keysCommand } from './commands/keys.ts';
import { lintCommand } from './commands/lint.ts';
import { operatorCommand } from './commands/operator.ts';
import { registerCommand } from './commands/register.ts';
import { runCommand } from './commands/run.ts';
import { signCommand } from './commands/sign.ts';
import { testCommand } from './commands/test.ts';
import { toolsCommand } from './commands/tools.ts';
import { verifyCommand } from './commands/verify.ts';
import type { CliContext, ExitCode } from './context.ts';
import { errorText } from './output/error-text.ts';
import { VERSION } from './version.ts';

const COMMANDS: readonly CommandFactory[] = [
  runCommand,
  gatewayCommand,
  operatorCommand,

  lintCommand,
  testCommand,
  decideCommand,
  explainCommand,
  compileCommand,
  keygenCommand,
  signCommand,
  verifyCommand,
  keysCommand,
  doctorCommand,

  toolsCommand,
  registerCommand,
];

/** Runs one command line (without the program's own name) and gives its exit code. Never throws. */
export async function runProgram(argv: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const done = (code: ExitCode): void => {
    exitCode = code;
  };
  const program = new Command('aegis')
    .description('Policy-as-code for AI agents: which agent may call which tool, with which parameters.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpCommand(false)
    .showHelpAfterError('(add --help for how to use it)');
  for (const factory of COMMANDS) program.addCommand(factory(context, done));
  for (const command of withCommands(program)) {
    command.exitOverride().configureOutput({
      writeOut: (text) => context.stdout(text),
      writeErr: (text) => context.stderr(text),
    });
  }
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return 2;
    }
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    context.stderr(`${errorText(error)}\n`);
    return error instanceof AegisError && WRONG_USE.has(error.code) ? 2 : 1;
  }
}

function withCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withCommands)];
}

/** Errors that the command line itself is the cause of. */
const WRONG_USE: ReadonlySet<string> = new Set([
  'AEGIS_USAGE',
  'AEGIS_KEY_FORMAT',
  'AEGIS_PORT_IN_USE',
  'AEGIS_FILE_NOT_FOUND',
  'AEGIS_FILE_UNREADABLE',
  'AEGIS_OUTPUT_EXISTS',
  'AEGIS_OUTPUT_UNWRITABLE',
  'AEGIS_CATALOGUE_UNKNOWN',
  'AEGIS_ANSWER_MISSING',
  'AEGIS_ANSWER_INVALID',
]);
