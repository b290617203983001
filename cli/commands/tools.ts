import path from 'node:path';
import { Command, Option } from 'commander';
import { AegisError } from '../../policy/errors.ts';
import { type AddedEntry, type AddOptions, addEntry } from '../catalogue/add-entry.ts';
import { findEntry, readEntries } from '../catalogue/catalogue.ts';
import type { CommandFactory } from '../command.ts';
import { catalogueText, entrySummary } from '../output/catalogue-text.ts';

interface Output {
  output: 'text' | 'json';
}

const outputOption = (): Option =>
  new Option('--output <format>', 'text or json').choices(['text', 'json']).default('text');

export const toolsCommand: CommandFactory = (context, done) =>
  new Command('tools')
    .description('Ready mappings of well-known APIs: what is called, with which parameters, at which risk.')
    .helpCommand(false)
    .addHelpText('after', EXAMPLE)
    .addCommand(listCommand(context, done))
    .addCommand(showCommand(context, done))
    .addCommand(addCommand(context, done));

const EXAMPLE = `
Examples:
  aegis tools list
  aegis tools add stripe --into policies/ --namespace fintech --with-tests --agent finance-agent
`;

const listCommand: CommandFactory = (context, done) =>
  new Command('list')
    .description('Shows the catalogue.')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  aegis tools list --output json\n')
    .action(async ({ output }: Output) => {
      const entries = readEntries(await context.catalogue());
      context.stdout(output === 'json' ? `${JSON.stringify(entries.map(entrySummary))}\n` : catalogueText(entries));
      done(0);
    });

const showCommand: CommandFactory = (context, done) =>
  new Command('show')
    .description('Prints the mapping of one tool as YAML.')
    .argument('<name>', 'name in the catalogue')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  aegis tools show stripe\n')
    .action(async (name: string, { output }: Output) => {
      const { texts, tool } = findEntry(await context.catalogue(), name);
      context.stdout(output === 'json' ? `${JSON.stringify(tool)}\n` : texts.tool);
      done(0);
    });

interface AddFlags extends AddOptions, Output {
  withTests?: boolean;
}

const addCommand: CommandFactory = (context, done) =>
  new Command('add')
    .description('Writes the mapping of a tool into a policy folder; yours to change from then on.')
    .argument('<name>', 'name in the catalogue')
    .option('--into <folder>', 'the policy folder', '.')
    .option('--namespace <name>', 'namespace of what is written')
    .option('--id <id>', 'tool id that policies use, instead of the name')
    .option('--upstream <url>', 'base URL of the API, instead of the public one')
    .option('--with-tests', 'also a starter policy for --agent, and tests of raw requests against it')
    .option('--agent <id>', 'the agent that the policy and its tests are for')
    .option('--force', 'replace files that are there already')
    .addOption(outputOption())
    .addHelpText('after', ADD_EXAMPLE)
    .action(async (name: string, { withTests = false, agent, output, ...options }: AddFlags) => {
      const entry = findEntry(await context.catalogue(), name);
      if (withTests !== (agent !== undefined)) {
        throw new AegisError('AEGIS_USAGE', '--with-tests and --agent go together: the tests are those of one agent.');
      }
      const added = await addEntry(entry, { ...options, ...(agent !== undefined && { agent }) }, context);
      context.stdout(output === 'json' ? `${JSON.stringify(added)}\n` : addedText(added, { ...options, agent }));
      done(0);
    });

const ADD_EXAMPLE = `
Examples:
  aegis tools add github --into policies/ --namespace cicd
  aegis tools add fhir --into policies/ --id ehr --upstream https://fhir.example.org/r4
  aegis tools add stripe --into policies/ --with-tests --agent finance-agent
`;

/** What was written, and what is left to do, as commands that can be copied. */
function addedText(
  { toolId, files }: AddedEntry,
  { into, namespace, agent }: { into: string; namespace?: string; agent: string | undefined },
): string {
  const where = namespace === undefined ? '' : ` --namespace ${namespace}`;
  const who = agent ?? 'AGENT';
  const registration = shellText(path.join(into, `${who}.registration.yaml`));
  const folder = shellText(into);
  const steps = [
    `aegis register --agent ${who} --owner you@example.com --tools ${toolId}${where} -o ${registration}`,
    ...(agent === undefined ? [] : [`aegis test ${folder}`]),
    `aegis lint ${folder}`,
  ];
  const unused =
    agent === undefined ? '\nUntil a policy permits an action of it to an agent, every call is denied.\n' : '';
  return `${files.map((file) => `wrote ${file}`).join('\n')}\n${unused}\nNext:\n${steps.map((step) => `  ${step}`).join('\n')}\n`;
}

/** A word as a POSIX shell takes it. */
function shellText(text: string): string {
  return /^[A-Za-z0-9_./@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
