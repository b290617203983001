import { Command } from 'commander';
import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import { parseKeyRing } from '../../policy/bundle/key-ring.ts';
import { readManifest } from '../../policy/bundle/read-manifest.ts';
import { verifyBundle } from '../../policy/bundle/verify-bundle.ts';
import { AegisError } from '../../policy/errors.ts';
import type { CommandFactory } from '../command.ts';
import type { CliContext } from '../context.ts';
import { readBundleFolder, readFileBytes, readFileText } from '../files/bundle-files.ts';
import { unpackHead } from '../files/unpack-head.ts';
import { parseCount, parseTime } from '../options.ts';

interface Options {
  key: string;
  tenant?: string;
  tenantUid?: string;
  minSequence?: string;
  agent?: string;
  at?: string;
  output: string;
}

export const verifyCommand: CommandFactory = (context, done) =>
  new Command('verify')
    .description('Verifies a signed bundle: signature, every digest, tenant, sequence, expiry.')
    .argument('<bundle>', 'a folder or a .tar.gz')
    .requiredOption('--key <file>', 'trusted public keys: PEM, several in a row, or a key ring (JSON)')
    .option('--tenant <name>', 'the tenant it must be for; when absent, any that the key signed')
    .option('--tenant-uid <uid>', 'the uid that the tenant must have')
    .option('--min-sequence <n>', 'refuse older bundles')
    .option('--agent <id>', 'the agent that must be in it; needed for the slice of one agent')
    .option('--at <time>', 'judge the expiry at this time instead of now')
    .option('--output <format>', 'text or json', 'text')
    .addHelpText('after', '\nExample:\n  aegis verify out.tar.gz --key aegis.pub --tenant fintech --min-sequence 7\n')
    .action(async (bundle: string, options: Options) => {
      const keyRing = parseKeyRing(await readFileText(options.key, context.files), context.crypto);
      const input = await readBundle(bundle, context);
      const verified = verifyBundle(input, {
        keyRing,
        tenant: options.tenant ?? signedTenant(input),
        now: options.at === undefined ? context.clock() : parseTime(options.at, '--at'),
        crypto: context.crypto,
        ...(options.tenantUid === undefined ? {} : { tenantUid: options.tenantUid }),
        ...(options.minSequence === undefined
          ? {}
          : { minSequence: parseCount(options.minSequence, '--min-sequence') }),
        ...(options.agent === undefined ? {} : { agentId: options.agent }),
      });
      const { tenant, sequence, issuedAt, expiresAt, keyId } = verified.manifest;
      context.stdout(
        options.output === 'json'
          ? `${JSON.stringify({ ok: true, kind: verified.kind, digest: verified.digest, manifest: verified.manifest })}\n`
          : `ok: ${verified.kind} of tenant ${tenant.name}, sequence ${sequence}, ${verified.files.size} files\n` +
              `  signed by ${keyId} at ${issuedAt}, valid until ${expiresAt}\n`,
      );
      done(0);
    });

async function readBundle(bundle: string, context: CliContext): Promise<Uint8Array | Map<string, Uint8Array>> {
  const kind = await context.files.kindOf(bundle).catch(() => undefined);
  if (kind === undefined) throw new AegisError('AEGIS_FILE_NOT_FOUND', `There is no bundle ${bundle}.`);
  return kind === 'folder' ? readBundleFolder(bundle, context.files) : readFileBytes(bundle, context.files);
}

/** Without a demand of the user, the tenant that the head claims; the signature is checked right after. */
function signedTenant(input: Uint8Array | ReadonlyMap<string, Uint8Array>): string {
  const head = input instanceof Uint8Array ? unpackHead(input) : input.get(HEAD_FILE);
  if (head === undefined) throw new AegisError('AEGIS_BUNDLE_SIGNATURE_MISSING', 'there is no manifest.json');
  return readManifest(head).tenant.name;
}
