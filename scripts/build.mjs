/**
 * Bundles the programs into dist/, or the folder named. Plain JavaScript, because it is the first thing that runs after `npm ci`, on
 * whatever Node is there.
 */
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildGateway } from './build-gateway.mjs';
import { buildOperator } from './build-operator.mjs';
import { kubeConfigOnly, REQUIRE, UNUSED_OF_CLIENT, without } from './build-plugins.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? `${root}/dist`);

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { aegis: 'cli/main.ts' },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  sourcemap: 'linked',
  minifySyntax: true,
  legalComments: 'none',
  banner: { js: REQUIRE },
  plugins: [kubeConfigOnly, without(UNUSED_OF_CLIENT)],
  logLevel: 'warning',
});
await buildGateway(outdir);
await buildOperator(outdir);
