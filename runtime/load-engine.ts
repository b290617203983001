import { readFile } from 'node:fs/promises';
import type { Engine } from '../policy/publication/bundle-content.ts';

/** The shared policy lies beside the programs, in the repository as in the images: `../policy/rego/` of `program`. */
export async function loadEngine(program: string): Promise<Engine> {
  const folder = new URL('../policy/rego/', program);
  const [rego, wasm] = await Promise.all(['policy.rego', 'policy.wasm'].map((name) => readFile(new URL(name, folder))));
  return { rego: new Uint8Array(rego as Buffer), wasm: new Uint8Array(wasm as Buffer) };
}
