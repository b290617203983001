import { Command } from 'commander';
import type { KeyIndex } from '../../operator/bundles/key-index.ts';
import {
  type KeyAdministration,
  type KeysInUse,
  keysInUse,
  revokeKey,
  rotateKeys,
} from '../../operator/bundles/rotate-keys.ts';
import { KubeError } from '../../operator/kube/kube-error.ts';
import type { KubeClient } from '../../operator/kube/types.ts';
import { AegisError } from '../../policy/errors.ts';
import type { CommandFactory } from '../command.ts';
import type { CliContext } from '../context.ts';
import { parseDuration } from '../options.ts';
import { VERSION } from '../version.ts';

interface Options {
  kubeconfig?: string;
  namespace: string;
  output: string;
}

interface ChangeOptions extends Options {
  yes?: boolean;
}

export type OpenClient = (kubeconfig: string | undefined) => Promise<KubeClient>;

/** Loaded on demand: no other command speaks to a cluster. */
const openClient: OpenClient = async (kubeconfig) => {
  const { createKubeClient } = await import('../../operator/kube/client.ts');
  return createKubeClient({ userAgent: `aegis/${VERSION}`, ...(kubeconfig === undefined ? {} : { kubeconfig }) });
};

/** `aegis keys`, over any connection to a cluster. */
export function keysCommandWith(open: OpenClient): CommandFactory {
  return (context, done) => {
    const keys = new Command('keys')
      .description('Lists, rotates and revokes the keys that sign bundles in a cluster.')
      .addHelpText('after', '\nExample:\n  aegis keys rotate --namespace aegis-system\n');
    const run = async (options: Options, work: (admin: KeyAdministration) => Promise<string>): Promise<void> => {
      const client = await open(options.kubeconfig);
      try {
        const { crypto, randomBytes, clock } = context;
        context.stdout(await work({ client, namespace: options.namespace, crypto, randomBytes, now: clock() }));
        done(0);
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        throw new AegisError('AEGIS_CLUSTER', `the API server: ${error.message}`, { cause: error });
      } finally {
        await client.close();
      }
    };
    const shown = (options: Options, json: unknown, text: string): string =>
      options.output === 'json' ? `${JSON.stringify(json)}\n` : text;

    keys.addCommand(
      withOptions(new Command('list'))
        .description('Shows all signing keys, and which tenants each of them has signed for.')
        .addHelpText('after', '\nExample:\n  aegis keys list\n')
        .action((options: Options) =>
          run(options, async (admin) => {
            const found = await keysInUse(admin);
            const rows = rowsOf(found, admin.now);
            return shown(options, { keys: rows }, table(rows));
          }),
        ),
    );
    keys.addCommand(
      withOptions(new Command('rotate'))
        .description('The standby key signs from now on, a new one stands by, the old one is trusted a while longer.')
        .option('--overlap <duration>', 'how long what the old key has signed stays trusted', '48h')
        .option('-y, --yes', 'do not ask')
        .addHelpText('after', '\nExample:\n  aegis keys rotate --overlap 72h\n')
        .action(async (options: ChangeOptions & { overlap: string }) => {
          const overlap = parseDuration(options.overlap, '--overlap');
          await confirm(context, options, `Rotate the signing keys in ${options.namespace}?`);
          await run(options, async (admin) => {
            const index = await rotateKeys(admin, overlap);
            return shown(options, index, rotated(index));
          });
        }),
    );
    keys.addCommand(
      withOptions(new Command('revoke'))
        .description('Nothing that this key has signed is trusted any more. There is no way back.')
        .argument('<key-id>', 'as `aegis keys list` shows it')
        .option('-f, --force', 'even if bundles in force are signed by it: their rollout state is not trusted any more')
        .option('-y, --yes', 'do not ask')
        .addHelpText('after', '\nExample:\n  aegis keys revoke 4f6c1d0e9a8b7c6d5e4f3a2b1c0d9e8f\n')
        .action(async (id: string, options: ChangeOptions & { force?: boolean }) => {
          await confirm(context, options, `Revoke ${id} for good?`);
          await run(options, async (admin) => {
            const index = await revokeKey(admin, id, options.force === true);
            return shown(options, index, revoked(id, index));
          });
        }),
    );
    return keys;
  };
}

export const keysCommand: CommandFactory = keysCommandWith(openClient);

function withOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'how to reach the cluster; as kubectl does when absent')
    .option('-n, --namespace <name>', "the operator's namespace", 'aegis-system')
    .option('--output <format>', 'text or json', 'text');
}

async function confirm({ ask }: CliContext, { yes }: ChangeOptions, question: string): Promise<void> {
  if (yes === true) return;
  if (ask === undefined) throw new AegisError('AEGIS_USAGE', 'Add --yes: there is nobody to ask here.');
  const answer = (await ask(`${question} [y/N] `))?.trim().toLowerCase();
  if (answer !== 'y' && answer !== 'yes') throw new AegisError('AEGIS_USAGE', 'Nothing was changed.');
}

interface Row {
  id: string;
  state: 'active' | 'standby' | 'retired' | 'over' | 'revoked';
  until?: string;
  tenants: readonly string[];
}

function rowsOf({ index, tenants }: KeysInUse, now: number): Row[] {
  const row = (id: string, state: Row['state'], until?: string): Row => ({
    id,
    state,
    ...(until === undefined ? {} : { until }),
    tenants: tenants.get(id) ?? [],
  });
  return [
    row(index.active, 'active'),
    row(index.standby, 'standby'),
    ...index.retired.map(({ id, notAfter }) => row(id, Date.parse(notAfter) > now ? 'retired' : 'over', notAfter)),
    ...index.revoked.map((id) => row(id, 'revoked')),
  ];
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ id, state, until, tenants }) => [
    id,
    state,
    until ?? '-',
    tenants.length === 0 ? '-' : tenants.length > 3 ? `${tenants.length} tenants` : tenants.join(', '),
  ]);
  const all = [['KEY', 'STATE', 'TRUSTED UNTIL', 'SIGNS FOR'], ...lines];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((line) => (line[column] ?? '').length)));
  return all
    .map(
      (line) =>
        `${line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function rotated({ active, standby, retired: [old] }: KeyIndex): string {
  return [
    `active   ${active}`,
    `standby  ${standby} (new)`,
    `retired  ${old?.id}, trusted until ${old?.notAfter}`,
    '',
    'The operator signs all bundles with the active key within a minute; see `aegis keys list`.',
    `Pods that started before the last rotation pin older keys: restart those that do not pin ${active}`,
    `before ${old?.notAfter}. Restart all agents before you rotate again, so that they pin the new standby key.`,
    '',
  ].join('\n');
}

function revoked(id: string, { standby }: KeyIndex): string {
  return [
    `revoked  ${id}`,
    `standby  ${standby}`,
    '',
    'Heads name the revocation from their next signing on, and gateways never forget it.',
    'Restart pods that pin only this key and older ones: they accept no bundle any more.',
    '',
  ].join('\n');
}
