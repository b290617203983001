import { Command, Option } from 'commander';
import type { Decision } from '../../gateway/enforcement/decision.ts';
import { decisionRecord } from '../../gateway/enforcement/decision-record.ts';
import { decisionLine } from '../../gateway/listeners/decision-line.ts';
import { AegisError } from '../../policy/errors.ts';
import type { CommandFactory } from '../command.ts';
import type { CliContext } from '../context.ts';
import { readSources } from '../files/read-sources.ts';
import { AgentOfTool } from '../local/agent-of-tool.ts';
import { openLocalServers } from '../local/local-servers.ts';
import { UpdateReport } from '../local/update-report.ts';
import { watchPaths } from '../local/watch-paths.ts';
import { collect, parseUpstreams } from '../options.ts';
import { errorText } from '../output/error-text.ts';
import { createPaymentStandIn } from '../stand-in/payment-api.ts';
import { decideDeps, newLocalSystem } from '../workspace/open-workspace.ts';

interface Options {
  agent?: string;
  upstream: string[];
  standIn?: string | true;
  decisionsPort: string;
  proxyPort: string;
  ca?: string;
  secrets?: string;
  allowPrivate: string[];
  quiet?: true;
  output: 'text' | 'json';
}

export const runCommand: CommandFactory = (context, done) =>
  new Command('run')
    .description('The whole system on one machine: compiles, signs, serves decisions, and reloads on every change.')
    .argument('<path...>', 'files or folders with resources')
    .option('--agent <id>', 'who calls through the proxy; default: the only agent that has the tool')
    .option(
      '--upstream <tool=url>',
      'send a tool to this base URL instead of its own; may stand several times',
      collect,
      [],
    )
    .option('--stand-in [tool]', 'start a local stand-in of a payment API and send the tool to it')
    .option('--decisions-port <port>', 'decision endpoint on 127.0.0.1', '8181')
    .option('--proxy-port <port>', 'reverse proxy for the tools on 127.0.0.1', '15001')
    .option('--ca <folder>', 'CA for HTTPS_PROXY clients; made there at first use, clients trust ca.crt in it')
    .option('--secrets <folder>', "tools' credentials, as <folder>/<tool>/credential/<key>")
    .option('--allow-private <cidr>', 'private addresses that tools may be at; may stand several times', collect, [])
    .option('--quiet', 'do not print each decision')
    .addOption(
      new Option('--output <format>', 'decisions as text, or as JSON lines').choices(['text', 'json']).default('text'),
    )
    .addHelpText('after', EXAMPLE)
    .action(async (paths: string[], options: Options) => {
      await run(paths, options, context);
      done(0);
    });

const EXAMPLE = `
Tools are called at http://127.0.0.1:15001/<tool>/<path>, or by their own names with
HTTPS_PROXY=http://127.0.0.1:15001 and --ca; decisions are asked at
http://127.0.0.1:8181/v1/decisions. Ctrl-C ends it.

Examples:
  aegis run config/samples/fintech --stand-in
  aegis run policies --ca .aegis-ca --secrets ~/.aegis-secrets
`;

const STAND_IN_TOOL = 'stripe-payments';

async function run(paths: readonly string[], options: Options, context: CliContext): Promise<void> {
  const system = await newLocalSystem(context);
  const agents = new AgentOfTool(options.agent);
  const report = new UpdateReport(context);
  const update = async (): Promise<void> => {
    const start = context.clock();
    const result = system.update(await readSources(paths, context));
    agents.update(result.resources, system.activations.list());
    report.show(result, context.clock() - start);
  };
  await update();

  const upstreams = parseUpstreams(options.upstream);
  const standIn = options.standIn === undefined ? undefined : await startStandIn(context);
  if (standIn !== undefined) {
    upstreams[options.standIn === true ? STAND_IN_TOOL : String(options.standIn)] = `http://127.0.0.1:${standIn.port}`;
  }
  const servers = await openLocalServers({
    source: system.activations,
    deps: decideDeps(context),
    callers: agents,
    upstreams,
    ...(options.ca !== undefined && { caFolder: options.ca }),
    ...(options.secrets !== undefined && { secretsFolder: options.secrets }),
    allowPrivate: options.allowPrivate,
    clock: context.clock,
    randomBytes: context.randomBytes,
    decisionsPort: parsePort(options.decisionsPort, '--decisions-port'),
    proxyPort: parsePort(options.proxyPort, '--proxy-port'),
    ticks: () => performance.now(),
    ...(options.quiet === true
      ? {}
      : {
          onDecision: (decision, micros) => context.stdout(`${shown(decision, micros, options, context)}\n`),
        }),
  });
  context.stdout(`decisions  http://127.0.0.1:${servers.decisionsPort}/v1/decisions\n`);
  const known = agents.tools();
  for (const tool of known) {
    const caller = agents.of(tool);
    const contract = caller && system.activations.get(caller.tenant)?.contract(caller.agent, tool);
    const target = upstreams[tool] ?? contract?.upstream.url ?? 'its own hosts';
    const who = caller?.agent ?? 'nobody yet: several agents have it, name one with --agent';
    context.stdout(`tool       http://127.0.0.1:${servers.proxyPort}/${tool}/ → ${target} (as ${who})\n`);
  }
  for (const tool of Object.keys(upstreams).filter((name) => !known.includes(name))) {
    context.stderr(`no agent here has the tool ${tool}: what is said of its upstream has no effect\n`);
  }
  if (options.agent !== undefined && known.length === 0) {
    context.stderr(`no registration with tools has the id ${options.agent}: nobody can call through the proxy\n`);
  }
  context.stdout('ready; policies are reloaded when they change\n');

  const complain = (error: unknown): void =>
    context.stderr(`${errorText(error)}\n  the last good policies stay in force\n`);
  const watcher = watchPaths(paths, () => update().catch(complain), complain);
  await context.interrupted;
  context.stdout('ending\n');
  await watcher.close();
  await servers.close();
  await standIn?.close();
}

async function startStandIn(context: CliContext): Promise<{ port: number; close(): Promise<void> }> {
  const api = createPaymentStandIn({ clock: context.clock, log: (line) => context.stdout(`${line}\n`) });
  return api.start();
}

function parsePort(text: string, option: string): number {
  if (!/^[0-9]{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new AegisError('AEGIS_USAGE', `${option} takes a port number, or 0 for a free one.`);
  }
  return Number(text);
}

function shown(decision: Decision, micros: number, { output }: Options, { isTerminal }: CliContext): string {
  if (output === 'text') return decisionLine(decision, micros, { colour: isTerminal });
  return JSON.stringify(decisionRecord(decision, micros));
}
