import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from '../../../scripts/tool-path.ts';

/** Stock opa as the oracle: compiles the policies of testdata/ and evaluates them. */

const folder = join(__dirname, 'testdata');

function inScratch<T>(use: (scratch: string) => T): T {
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-test-'));
  try {
    return use(scratch);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

function opa(args: string[], cwd: string): string {
  return execFileSync(toolPath('opa'), args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The WebAssembly module of `testdata/<name>.rego`. */
export function compilePolicy(name: string, entrypoint = 'aegis/decision'): Uint8Array {
  return inScratch((scratch) => {
    opa(['build', '-t', 'wasm', '-e', entrypoint, '-o', join(scratch, 'bundle.tar.gz'), `${name}.rego`], folder);
    execFileSync('tar', ['-xzf', 'bundle.tar.gz', '-C', scratch, '/policy.wasm'], { cwd: scratch, stdio: 'ignore' });
    return new Uint8Array(readFileSync(join(scratch, 'policy.wasm')));
  });
}

/** `data.aegis.decision` of `testdata/<name>.rego` for each input, in one process of stock opa. */
export function evaluateWithOpa(name: string, inputs: readonly string[], data: string): unknown[] {
  return inScratch((scratch) => {
    writeFileSync(join(scratch, 'data.json'), data);
    writeFileSync(join(scratch, 'input.json'), `{"inputs":[${inputs.join(',')}]}`);
    writeFileSync(
      join(scratch, 'batch.rego'),
      'package batch\n\nall := [d | some i in input.inputs; d := data.aegis.decision with input as i]\n',
    );
    const files = ['-d', join(folder, `${name}.rego`), '-d', 'batch.rego', '-d', 'data.json', '-i', 'input.json'];
    return JSON.parse(opa(['eval', '-f', 'raw', ...files, 'data.batch.all'], scratch)) as unknown[];
  });
}
