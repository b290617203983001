/**
 * Bundles the programs under dist/. Plain JavaScript, because it is the first thing that runs after `npm ci`, on
 * whatever Node is there.
 */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const outdir = fileURLToPath(new URL('../dist', import.meta.url));

const common = {
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  legalComments: 'none',
  // CommonJS dependencies reach Node's own modules through `require`
  banner: {
    js: "import { createRequire as aegisRequire } from 'node:module'; const require = aegisRequire(import.meta.url);",
  },
  logLevel: 'warning',
};

/**
 * OPA's SDK brings a YAML parser for the builtins yaml.marshal and yaml.unmarshal, which the evaluator refuses: the
 * gateway need not load it.
 */
const withoutYamlBuiltins = {
  name: 'without-yaml-builtins',
  setup(builder) {
    builder.onResolve({ filter: /^yaml$/ }, ({ importer }) =>
      /[\\/]opa-wasm[\\/]/.test(importer) ? { path: 'yaml', namespace: 'unused' } : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: 'unused' }, () => ({
      contents: 'const unused = () => { throw new Error("no YAML here"); }; export const parse = unused, stringify = unused;',
    }));
  },
};

await rm(outdir, { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { aegis: 'cli/main.ts' },
  sourcemap: 'linked',
  minifySyntax: true,
});
// The gateway runs beside every agent: small, and what is not configured is not loaded.
await build({
  ...common,
  entryPoints: { gateway: 'gateway/main.ts' },
  splitting: true,
  chunkNames: 'gateway-[name]-[hash]',
  minify: true,
  plugins: [withoutYamlBuiltins],
});
