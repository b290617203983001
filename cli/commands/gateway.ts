import { Command } from 'commander';
import { AegisError } from '../../policy/errors.ts';
import type { CommandFactory } from '../command.ts';

/** The gateway is a program of its own, which `bin/aegis.mjs` starts without loading this one. Here it is only named. */
export const gatewayCommand: CommandFactory = () =>
  new Command('gateway')
    .description('The gateway: decides every tool call of an agent, and forwards what is allowed.')
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => {
      throw new AegisError('AEGIS_USAGE', '`gateway` must be the first argument of aegis.');
    });
