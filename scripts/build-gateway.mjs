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

/**
 * Writes `gateway.mjs`, the chunks that it loads when they are needed, `gateway-*.mjs`, and the program of the init
 * container, `capture.mjs`, into the folder.
 */
export async function buildGateway(outdir) {
  const common = {
    absWorkingDir: pathOf('..'),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    legalComments: 'none',
    banner: { js: REQUIRE },
    logLevel: 'warning',
  };
  await build({
    ...common,
    entryPoints: { gateway: 'gateway/main.ts' },
    chunkNames: 'gateway-[name]-[hash]',
    splitting: true,
    plugins: [slim, without([UNUSED_OF_OPA, ...UNUSED_OF_UNDICI]), builtinsByRequire, namesOfCommonJs],
  });
  // By itself: it shares little, and the gateway need not load a chunk for it.
  await build({ ...common, entryPoints: { capture: 'gateway/pod-capture/main.ts' }, plugins: [builtinsByRequire] });
}
