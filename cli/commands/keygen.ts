import { Command } from 'commander';
import { generateKeyPair } from '../../policy/bundle/keys.ts';
import type { CommandFactory } from '../command.ts';

export const keygenCommand: CommandFactory = (context, done) =>
  new Command('keygen')
    .description('Makes an Ed25519 key pair for signing bundles.')
    .option('-o, --out <prefix>', 'write PREFIX.key (private, mode 0600) and PREFIX.pub', 'aegis')
    .option('--output <format>', 'text or json', 'text')
    .addHelpText('after', '\nExample:\n  aegis keygen -o release-2026\n')
    .action(async (options: { out: string; output: string }) => {
      const pair = generateKeyPair(context.randomBytes(32), context.crypto);
      const files = { privateKey: `${options.out}.key`, publicKey: `${options.out}.pub` };
      await context.output.createSecret(files.privateKey, pair.privatePem);
      await context.output.create(files.publicKey, pair.publicPem);
      context.stdout(
        options.output === 'json'
          ? `${JSON.stringify({ keyId: pair.keyId, ...files })}\n`
          : `key ${pair.keyId}\n  private ${files.privateKey} (keep it secret)\n  public  ${files.publicKey}\n`,
      );
      done(0);
    });
