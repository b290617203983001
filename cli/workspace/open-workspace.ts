import { createHmac } from 'node:crypto';
import type { DecideDeps } from '../../gateway/enforcement/decide-call.ts';
import { createDecisionIds } from '../../gateway/enforcement/decision-id.ts';
import { createMemoryLimitStore } from '../../gateway/limits/memory-limit-store.ts';
import { AegisError } from '../../policy/errors.ts';
import type { CliContext } from '../context.ts';
import { readSources } from '../files/read-sources.ts';
import { LocalSystem, type Update } from './local-system.ts';

/** A system of its own for this process: an ephemeral key signs, and only that key is trusted. */
export async function newLocalSystem(context: CliContext): Promise<LocalSystem> {
  const { crypto, clock } = context;
  return new LocalSystem({ engine: await context.engine(), crypto, clock, seed: context.randomBytes(32) });
}

/** Compiles, signs, verifies and activates what is at `paths`. */
export async function openWorkspace(
  paths: readonly string[],
  context: CliContext,
): Promise<{ system: LocalSystem; update: Update }> {
  const system = await newLocalSystem(context);
  return { system, update: system.update(await readSources(paths, context)) };
}

/** What decisions need of the host; `hash` is keyed for this process, so that hashes tell nothing outside of it. */
export function decideDeps(context: CliContext): DecideDeps {
  const key = context.randomBytes(32);
  return {
    now: context.clock,
    newId: createDecisionIds(context.clock, context.randomBytes),
    limits: createMemoryLimitStore(context.clock),
    hash: (text) => createHmac('sha256', key).update(text).digest('hex'),
    // messages of errors may hold values, codes and names do not
    onError: (error) => context.stderr(`a call failed: ${errorName(error)}\n`),
  };
}

function errorName(error: unknown): string {
  if (error instanceof AegisError) return error.code;
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error.name;
}
