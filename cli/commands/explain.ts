import { Command } from 'commander';
import type { CommandFactory } from '../program.ts';
export const explainCommand: CommandFactory = (_context, _done) => new Command('explain');
