/**
 * Bundles the programs into dist/ (or the folder named). Plain JavaScript, because it is the first thing that runs
 * after `npm ci`, on whatever Node is there.
 */
import { rm } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { catalogueDefine } from './catalogue-define.mjs';

const outdir = resolve(process.argv[2] ?? fileURLToPath(new URL('../dist', import.meta.url)));

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
 * undici, http2 and workers at that moment (13 MB, and most of the time that starting takes).
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
      const exported = names.map((name) => `const n_${name} = m.${name};`).join('');
      return {
        contents: `const m = require(${JSON.stringify(path)});${exported}export default m;
          export { ${names.map((name) => `n_${name} as ${name}`).join(', ')} };`,
      };
    });
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
    const undici = fileURLToPath(new URL('build-undici.mjs', import.meta.url));
    builder.onResolve({ filter: /^undici$/ }, () => ({ path: undici }));
    // The build for Node loads its workers at once.
    const fflate = fileURLToPath(new URL('../node_modules/fflate/esm/browser.js', import.meta.url));
    builder.onResolve({ filter: /^fflate$/ }, () => ({ path: fflate }));
    for (const [index, { path, importer, contents }] of UNUSED.entries()) {
      builder.onResolve({ filter: path }, (from) =>
        importer.test(from.importer) ? { path: from.path, namespace: `unused-${index}` } : undefined,
      );
      builder.onLoad({ filter: /.*/, namespace: `unused-${index}` }, () => ({ contents }));
    }
  },
};

await rm(outdir, { recursive: true, force: true });
await build({
  ...common,
  entryPoints: { aegis: 'cli/main.ts' },
  sourcemap: 'linked',
  minifySyntax: true,
  define: catalogueDefine(),
});
// The gateway runs beside every agent: small, and what is not configured is not loaded.
await build({
  ...common,
  entryPoints: { gateway: 'gateway/main.ts' },
  splitting: true,
  chunkNames: 'gateway-[name]-[hash]',
  minify: true,
  plugins: [slim, builtinsByRequire],
});
