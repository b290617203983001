import { Command } from 'commander';
import type { CommandFactory } from '../command.ts';
export const explainCommand: CommandFactory = (_context, _done) => new Command('explain');
