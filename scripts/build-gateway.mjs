/** The bundle of the gateway: it runs beside every agent, so it is small, and what is not configured is not loaded. */
import { createRequire, isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const pathOf = (relative) => fileURLToPath(new URL(relative, import.meta.url));

/** Exports of Node's modules that load much more when they are read. Whoever imports one is told by the build. */
const HEAVY = new Set([
  'WebSocket',
  'CloseEvent',
  'MessageEvent',
  'webcrypto',
  'subtle',
  'getRandomValues',
  'promises',
  'Blob',
  'File',
  'rootCertificates',
  'ReadStream',
  'WriteStream',
  'FileReadStream',
  'FileWriteStream',
  'Utf8Stream',
  'EventEmitterAsyncResource',
]);

function exportedNames(path) {
  const names = Object.keys(createRequire(import.meta.url)(path));
  return names.filter((name) => name !== 'default' && !HEAVY.has(name) && /^[A-Za-z_]\w*$/.test(name));
}

/**
 * Node's modules by `require`: an `import` of `node:http` reads every name that it exports, and some of them load
 * another undici, http2 and workers at that moment (13 MB, and most of the time that starting takes).
 */
const builtinsByRequire = {
  name: 'builtins-by-require',
  setup(builder) {
    builder.onResolve({ filter: /.*/ }, ({ path, kind, namespace }) => {
      if (!isBuiltin(path)) return undefined;
      if (kind === 'require-call' || namespace === 'builtin') return { path, external: true };
      return { path, namespace: 'builtin' };
    });
    builder.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const names = exportedNames(path);
      const values = names.map((name) => `const n_${name} = m.${name};`).join('');
      const exported = names.map((name) => `n_${name} as ${name}`).join(', ');
      return {
        contents: `const m = require(${JSON.stringify(path)}); ${values} export default m; export { ${exported} };`,
      };
    });
  },
};

/**
 * CommonJS packages that are imported only when they are needed: esbuild gives `import()` of one its default alone,
 * where Node gives the names as well.
 */
const namesOfCommonJs = {
  name: 'names-of-commonjs',
  setup(builder) {
    builder.onResolve({ filter: /^[a-z@]/ }, ({ path, kind, resolveDir }) => {
      if (kind !== 'dynamic-import' || isBuiltin(path)) return undefined;
      return { path, namespace: 'commonjs', pluginData: resolveDir };
    });
    builder.onLoad({ filter: /.*/, namespace: 'commonjs' }, ({ path, pluginData: resolveDir }) => ({
      contents: `const m = require(${JSON.stringify(path)}); export const { ${exportedNames(path).join(', ')} } = m;`,
      resolveDir,
    }));
  },
};

const UNDICI = /[\\/]undici[\\/]/;

/** What a dependency could use, and never does here. */
const UNUSED = [
  // For the builtins yaml.marshal and yaml.unmarshal of OPA's SDK, which the evaluator refuses.
  {
    path: /^yaml$/,
    importer: /[\\/]opa-wasm[\\/]/,
    contents: 'export const parse = undefined, stringify = undefined;',
  },
  // HTTP/2 to tools (undici asks for it only where it is allowed), and request bodies that are forms or blobs.
  { path: /client-h2\.js$/, importer: UNDICI, contents: 'module.exports = undefined;' },
  { path: /web\/fetch\/body\.js$/, importer: UNDICI, contents: 'module.exports = {};' },
  // The parser for processors without SIMD.
  { path: /llhttp-wasm\.js$/, importer: UNDICI, contents: 'module.exports = undefined;' },
  // Only to mark what cannot be sent to a worker.
  { path: /^node:worker_threads$/, importer: UNDICI, contents: 'module.exports = {};' },
];

const slim = {
  name: 'slim',
  setup(builder) {
    builder.onResolve({ filter: /^undici$/ }, () => ({ path: pathOf('build-undici.mjs') }));
    // The build for Node loads its workers at once.
    builder.onResolve({ filter: /^fflate$/ }, () => ({ path: pathOf('../node_modules/fflate/esm/browser.js') }));
    for (const [index, { path, importer, contents }] of UNUSED.entries()) {
      builder.onResolve({ filter: path }, (from) =>
        importer.test(from.importer) ? { path: from.path, namespace: `unused-${index}` } : undefined,
      );
      builder.onLoad({ filter: /.*/, namespace: `unused-${index}` }, () => ({ contents }));
    }
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
    banner: {
      js: "import { createRequire as aegisRequire } from 'node:module'; const require = aegisRequire(import.meta.url);",
    },
    plugins: [slim, builtinsByRequire, namesOfCommonJs],
    logLevel: 'warning',
  });
}
