/** The bundle of the gateway: it runs beside every agent, so it is small, and what is not configured is not loaded. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { builtinsByRequire, namesOfCommonJs, REQUIRE, UNUSED_OF_UNDICI, without } from './build-plugins.mjs';

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** For the builtins yaml.marshal and yaml.unmarshal of OPA's SDK, which the evaluator refuses. */
const UNUSED_OF_OPA = {
  path: /^yaml$/,
  importer: /[\\/]opa-wasm[\\/]/,
  contents: 'export const parse = undefined, stringify = undefined;',
};

const slim = {
  name: 'slim',
  setup(builder) {
    builder.onResolve({ filter: /^undici$/ }, () => ({ path: pathOf('build-undici.mjs') }));
    // The build for Node loads its workers at once.
    builder.onResolve({ filter: /^fflate$/ }, () => ({ path: pathOf('../node_modules/fflate/esm/browser.js') }));
  },
};

/** Writes `gateway.mjs` and the chunks that it loads when they are needed, `gateway-*.mjs`, into the folder. */
export async function buildGateway(outdir) {
  await build({
    absWorkingDir: pathOf('..'),
    entryPoints: { gateway: 'gateway/main.ts' },
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'gateway-[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    legalComments: 'none',
    banner: { js: REQUIRE },
    plugins: [slim, without([UNUSED_OF_OPA, ...UNUSED_OF_UNDICI]), builtinsByRequire, namesOfCommonJs],
    logLevel: 'warning',
  });
}
