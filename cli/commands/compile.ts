import { Command } from 'commander';
import { toHex } from '../../policy/bundle/encoding.ts';
import { type CompiledTenant, compile } from '../../policy/compiler/compile.ts';
import type { Finding } from '../../policy/errors.ts';
import { bundleContent, ContentFiles } from '../../policy/publication/bundle-content.ts';
import type { CommandFactory } from '../command.ts';
import type { CliContext } from '../context.ts';
import { readSources } from '../files/read-sources.ts';
import { findingText } from '../output/error-text.ts';
import { hasErrors, Workspace } from '../workspace/workspace.ts';

interface Options {
  out: string;
  revision: string;
  output: string;
}

export const compileCommand: CommandFactory = (context, done) =>
  new Command('compile')
    .description('Compiles policies into the unsigned content of a bundle, one folder per tenant.')
    .argument('<path...>', 'files or folders with resources; - is standard input')
    .requiredOption('-o, --out <folder>', 'where the bundle goes; with several tenants, FOLDER/<tenant>')
    .option('--revision <text>', 'shown by OPA as the revision of the bundle, e.g. the Git commit', '1')
    .option('--output <format>', 'text or json', 'text')
    .addHelpText('after', '\nExample:\n  aegis compile policies/ -o out && aegis sign out --key aegis.key\n')
    .action(async (paths: string[], options: Options) => {
      const state = new Workspace().read(await readSources(paths, context));
      const encoder = new TextEncoder();
      const compilation = compile(state.resources, {
        digest: (text) => toHex(context.crypto.sha256(encoder.encode(text))),
      });
      const findings = [...state.findings, ...compilation.findings];
      if (compilation.tenants.length === 0) findings.push(NOTHING);
      if (hasErrors(findings)) {
        report(context, findings, options);
        done(1);
        return;
      }
      const written = await write(compilation.tenants, options, context);
      report(context, findings, options, written);
      done(0);
    });

const NOTHING: Finding = {
  code: 'AEGIS_NO_RESOURCES',
  severity: 'error',
  message: 'No tenant has anything to compile.',
};

/** The names that an earlier `compile` or `sign` leaves at the top of a bundle folder. */
const BUNDLE_NAMES = new Set([
  '.manifest',
  '.signatures.json',
  'manifest.json',
  'changes.json',
  'policy.rego',
  'policy.wasm',
  'aegis',
]);

function isBundleFolder(names: readonly string[]): boolean {
  return names.includes('.manifest') && names.every((name) => BUNDLE_NAMES.has(name));
}

async function write(tenants: readonly CompiledTenant[], options: Options, context: CliContext): Promise<string[]> {
  const engine = await context.engine();
  const files = new ContentFiles(context.crypto);
  const folders: string[] = [];
  for (const tenant of tenants) {
    const folder = tenants.length === 1 ? options.out : `${options.out}/${tenant.name}`;
    const content = bundleContent(tenant, files, { engine, crypto: context.crypto, revision: options.revision });
    const bytes = new Map([...content.files].map(([name, file]) => [name, file.bytes]));
    await context.output.replaceFolder(folder, bytes, isBundleFolder);
    folders.push(`${folder}: tenant ${tenant.name}, ${tenant.agents.size} agents, ${tenant.policies.length} policies`);
  }
  return folders;
}

function report(context: CliContext, findings: readonly Finding[], options: Options, written: string[] = []): void {
  if (options.output === 'json') {
    context.stdout(`${JSON.stringify({ findings, written })}\n`);
    return;
  }
  for (const finding of findings) if (finding.severity !== 'info') context.stderr(`${findingText(finding)}\n`);
  if (written.length > 0) context.stdout(`${written.join('\n')}\n`);
  else context.stderr('nothing was written\n');
}
