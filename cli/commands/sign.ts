import { Command } from 'commander';
import { contentFromFiles } from '../../policy/bundle/build-bundle.ts';
import { HEAD_FILE, SIGNATURES_FILE, TENANT_FILE } from '../../policy/bundle/file-names.ts';
import { parsePrivateKey } from '../../policy/bundle/keys.ts';
import { packBundle } from '../../policy/bundle/pack-bundle.ts';
import { signBundle } from '../../policy/bundle/sign-bundle.ts';
import { AegisError } from '../../policy/errors.ts';
import { tenantIdentity } from '../../policy/publication/tenant-identity.ts';
import type { CommandFactory } from '../command.ts';
import { readBundleFolder, readFileText } from '../files/bundle-files.ts';
import { parseCount, parseDuration, parseTime } from '../options.ts';

interface Options {
  key: string;
  sequence: string;
  issuedAt?: string;
  expiresIn: string;
  previous?: string;
  commit?: string;
  archive?: string;
  output: string;
}

export const signCommand: CommandFactory = (context, done) =>
  new Command('sign')
    .description('Signs a compiled bundle: manifest.json, .signatures.json, and an archive beside the folder.')
    .argument('<folder>', 'what `aegis compile` wrote')
    .requiredOption('--key <file>', 'private key (PEM)')
    .requiredOption('--sequence <n>', 'sequence of the bundle; must rise with every new content')
    .option('--issued-at <time>', 'RFC 3339; now when absent. The same time and sequence give the same bytes')
    .option('--expires-in <duration>', 'how long the head is valid', '24h')
    .option('--previous <sha256>', 'digest of the manifest that this one replaces')
    .option('--commit <id>', 'Git commit of the sources')
    .option('--archive <file>', 'the archive; FOLDER.tar.gz when absent')
    .option('--output <format>', 'text or json', 'text')
    .addHelpText(
      'after',
      '\nExample:\n  aegis sign out --key aegis.key --sequence 7 --commit "$(git rev-parse HEAD)"\n',
    )
    .action(async (folder: string, options: Options) => {
      const { crypto } = context;
      const key = parsePrivateKey(await readFileText(options.key, context.files), crypto);
      const issuedAt = options.issuedAt === undefined ? context.clock() : parseTime(options.issuedAt, '--issued-at');
      const content = contentFromFiles(await readBundleFolder(folder, context.files), crypto);
      const signed = signBundle(
        content,
        {
          tenant: tenantOf(content.files.get(TENANT_FILE)?.bytes),
          sequence: parseCount(options.sequence, '--sequence'),
          issuedAt,
          expiresAt: issuedAt + parseDuration(options.expiresIn, '--expires-in'),
          ...(options.previous === undefined ? {} : { previousManifestDigest: options.previous }),
          ...(options.commit === undefined ? {} : { sourceCommit: options.commit }),
        },
        key,
        crypto,
      );
      for (const name of [HEAD_FILE, SIGNATURES_FILE]) {
        await context.output.write(`${folder}/${name}`, signed.files.get(name)?.bytes ?? new Uint8Array());
      }
      const archive = options.archive ?? `${folder.replace(/\/+$/, '')}.tar.gz`;
      await context.output.write(archive, packBundle(signed));
      const { tenant, sequence, expiresAt, keyId, contentRoot } = signed.manifest;
      context.stdout(
        options.output === 'json'
          ? `${JSON.stringify({ archive, manifest: signed.manifest })}\n`
          : `${archive}: tenant ${tenant.name}, sequence ${sequence}, key ${keyId}, valid until ${expiresAt}\n  content ${contentRoot}\n`,
      );
      done(0);
    });

function tenantOf(bytes: Uint8Array | undefined): { name: string; uid: string } {
  const data = JSON.parse(new TextDecoder().decode(bytes)) as { name?: unknown; uid?: string };
  if (typeof data.name !== 'string') throw new AegisError('AEGIS_BUNDLE_INPUT', `${TENANT_FILE} names no tenant.`);
  return tenantIdentity({ name: data.name, ...(data.uid === undefined ? {} : { uid: data.uid }) });
}
