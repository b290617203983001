/** `aegis tools add`: an entry of the catalogue as files in somebody's policy folder. */
import path from 'node:path';
import { AegisError } from '../../policy/errors.ts';
import type { CliContext } from '../context.ts';
import { type CatalogueEntry, type EntryFile, needsAddress } from './catalogue.ts';
import { checkBaseUrl, checkId, checkNamespace } from './names.ts';
import { type Renames, rewriteEntry } from './rewrite-entry.ts';

export interface AddOptions {
  /** Folder to write to. */
  into: string;
  /** Tool id instead of the catalogue's. */
  id?: string;
  namespace?: string;
  upstream?: string;
  /** Also a starter policy for this agent, and tests of it. */
  agent?: string;
  /** Replace files that are there. */
  force?: boolean;
}

export interface AddedEntry {
  toolId: string;
  files: string[];
}

/** @throws AegisError AEGIS_USAGE, AEGIS_OUTPUT_EXISTS (then nothing is written), AEGIS_OUTPUT_UNWRITABLE */
export async function addEntry(entry: CatalogueEntry, options: AddOptions, context: CliContext): Promise<AddedEntry> {
  const renames = renamesOf(entry, options);
  const toolId = renames.tool.to;
  const parts: EntryFile[] = options.agent === undefined ? ['tool'] : ['tool', 'policy', 'tests.suite'];
  const texts = new Map(
    parts.map((part) => [
      path.join(options.into, `${toolId}.${part}.yaml`),
      header(entry, part) + rewriteEntry(entry.texts[part], renames),
    ]),
  );
  if (options.force !== true) await refuseExisting([...texts.keys()], context);
  for (const [file, text] of texts) {
    if (options.force === true) await context.output.write(file, text);
    else await context.output.create(file, text);
  }
  return { toolId, files: [...texts.keys()] };
}

function renamesOf(entry: CatalogueEntry, { id, namespace, upstream, agent }: AddOptions): Renames {
  if (upstream === undefined && needsAddress(entry.tool)) {
    const message = `${entry.name} has no public address; add --upstream URL with the address of yours.`;
    throw new AegisError('AEGIS_USAGE', message);
  }
  return {
    tool: { from: entry.tool.metadata.name, to: id === undefined ? entry.tool.metadata.name : checkId(id, '--id') },
    ...(agent !== undefined && { agent: checkId(agent, '--agent') }),
    ...(namespace !== undefined && { namespace: checkNamespace(namespace) }),
    ...(upstream !== undefined && { upstream: checkBaseUrl(upstream, '--upstream') }),
  };
}

function header({ name }: CatalogueEntry, part: EntryFile): string {
  return part === 'tool' ? `# From the Aegis catalogue (aegis tools show ${name}); yours to change.\n` : '';
}

async function refuseExisting(files: readonly string[], context: CliContext): Promise<void> {
  for (const file of files) {
    const there = await context.files.kindOf(file).then(
      () => true,
      () => false,
    );
    if (there) {
      const message = `${file} exists already; nothing was written. Add --force to replace it.`;
      throw new AegisError('AEGIS_OUTPUT_EXISTS', message);
    }
  }
}
