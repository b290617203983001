import { Command } from 'commander';
import { AegisError } from '../../policy/errors.ts';
import type { CommandFactory } from '../command.ts';

/** The operator is a program of its own, which `bin/aegis.mjs` starts without loading this one. Here it is only named. */
export const operatorCommand: CommandFactory = () =>
  new Command('operator')
    .description("The operator: makes signed bundles of a cluster's policies, and serves them to the gateways.")
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new AegisError('AEGIS_USAGE', '`operator` must be the first argument of aegis.');
    });
