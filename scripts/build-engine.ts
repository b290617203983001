/**
 * Compiles the shared policy to WebAssembly with the pinned opa: `node scripts/build-engine.ts [--check]`.
 * The module is committed, so that running Aegis needs no Go; `--check` fails where it does not match its source.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolPath } from './tool-path.ts';

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'policy', 'rego');
const committed = join(folder, 'policy.wasm');

function compiled(): Buffer {
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-engine-'));
  try {
    const bundle = join(scratch, 'bundle.tar.gz');
    // the source goes by a relative name, because opa puts its path into the module
    execFileSync(
      toolPath('opa'),
      [
        'build',
        '-t',
        'wasm',
        '-e',
        'aegis/decision',
        '--capabilities',
        'capabilities.json',
        '-o',
        bundle,
        'policy.rego',
      ],
      { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'], timeout: 60_000 },
    );
    return execFileSync('tar', ['-xzOf', bundle, '/policy.wasm'], {
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

if (process.argv.includes('--check')) {
  if (!readFileSync(committed).equals(compiled())) {
    console.error('policy/rego/policy.wasm does not match policy.rego: run `npm run build:engine` and commit it');
    process.exitCode = 1;
  } else console.log('policy.wasm matches its source');
} else {
  const module = compiled();
  writeFileSync(committed, module);
  console.log(`wrote policy/rego/policy.wasm (${module.length} bytes)`);
}
