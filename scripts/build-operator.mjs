/** The bundle of the operator: one process for a whole cluster, and only what it needs of the Kubernetes client. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import {
  builtinsByRequire,
  kubeConfigOnly,
  REQUIRE,
  UNUSED_OF_CLIENT,
  UNUSED_OF_UNDICI,
  without,
} from './build-plugins.mjs';

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));

const slim = {
  name: 'slim',
  setup(builder) {
    builder.onResolve({ filter: /^undici$/ }, () => ({ path: pathOf('build-operator-undici.mjs') }));
  },
};

/** Writes `operator.mjs` and the chunks that it loads when they are needed, `operator-*.mjs`, into the folder. */
export async function buildOperator(outdir) {
  await build({
    absWorkingDir: pathOf('..'),
    entryPoints: { operator: 'operator/main.ts' },
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'operator-[name]-[hash]',
    bundle: true,
    splitting: true,
    // Names stay: they are most of what a stack in the log says.
    minifySyntax: true,
    minifyWhitespace: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    legalComments: 'none',
    banner: { js: REQUIRE },
    plugins: [kubeConfigOnly, without([...UNUSED_OF_CLIENT, ...UNUSED_OF_UNDICI]), slim, builtinsByRequire],
    logLevel: 'warning',
  });
}
