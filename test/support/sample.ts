/** The samples and small edits of them, compiled, signed, verified and activated as in the product. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalSystem } from '../../cli/workspace/local-system.ts';
import type { Source } from '../../policy/source/load-sources.ts';
import { nodeCrypto } from '../../runtime/crypto/node-crypto.ts';

const root = join(__dirname, '..', '..');

export const ENGINE = {
  rego: new Uint8Array(readFileSync(join(root, 'policy/rego/policy.rego'))),
  wasm: new Uint8Array(readFileSync(join(root, 'policy/rego/policy.wasm'))),
};

export const NOW = Date.parse('2026-11-22T08:00:00Z');

export function sampleSources(name: string): Source[] {
  const folder = join(root, 'config/samples', name);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
}

/** The sources with one text replaced by another in whichever file has it. */
export function edited(sources: readonly Source[], from: string, to: string): Source[] {
  if (!sources.some(({ text }) => text.includes(from))) throw new Error(`no source contains ${from}`);
  return sources.map(({ file, text }) => ({ file, text: text.replace(from, to) }));
}

export function newSystem(clock: () => number = () => NOW): LocalSystem {
  return new LocalSystem({ engine: ENGINE, crypto: nodeCrypto, clock, seed: new Uint8Array(32).fill(3) });
}
