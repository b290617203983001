/**
 * Bundles each program into one file under dist/. Plain JavaScript, because it is the first thing that runs after
 * `npm ci`, on whatever Node is there.
 */
import { build } from 'esbuild';

const programs = { aegis: 'cli/main.ts' };

await build({
  entryPoints: programs,
  outdir: 'dist',
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  sourcemap: 'linked',
  minifySyntax: true,
  legalComments: 'none',
  // CommonJS dependencies reach Node's own modules through `require`
  banner: {
    js: "import { createRequire as aegisRequire } from 'node:module'; const require = aegisRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
