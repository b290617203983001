/** What the bundles of the programs have in common. */
import { createRequire, isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';

/** First line of a bundle: CommonJS dependencies reach Node's own modules through `require`. */
export const REQUIRE =
  "import { createRequire as aegisRequire } from 'node:module'; const require = aegisRequire(import.meta.url);";

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
export const builtinsByRequire = {
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
export const namesOfCommonJs = {
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

/** Puts `contents` in the place of modules that a dependency could use, and never does here. */
export function without(unused) {
  return {
    name: 'without',
    setup(builder) {
      for (const [index, { path, importer, contents }] of unused.entries()) {
        builder.onResolve({ filter: path }, (from) =>
          importer.test(from.importer) ? { path: from.path, namespace: `unused-${index}` } : undefined,
        );
        builder.onLoad({ filter: /.*/, namespace: `unused-${index}` }, () => ({ contents }));
      }
    },
  };
}

const UNDICI = /[\\/]undici[\\/]/;

export const UNUSED_OF_UNDICI = [
  // HTTP/2 (undici asks for it only where it is allowed), and request bodies that are forms or blobs.
  { path: /client-h2\.js$/, importer: UNDICI, contents: 'module.exports = undefined;' },
  { path: /web\/fetch\/body\.js$/, importer: UNDICI, contents: 'module.exports = {};' },
  // The parser for processors without SIMD.
  { path: /llhttp-wasm\.js$/, importer: UNDICI, contents: 'module.exports = undefined;' },
  // Only to mark what cannot be sent to a worker.
  { path: /^node:worker_threads$/, importer: UNDICI, contents: 'module.exports = {};' },
];

/**
 * Of the Kubernetes client, what reads kubeconfig files: the package's own entry also loads the models of seven hundred
 * kinds, a second undici and WebSocket, which is 25 MB of memory and half of the time that starting takes.
 */
export const kubeConfigOnly = {
  name: 'kube-config-only',
  setup(builder) {
    const resolveDir = fileURLToPath(new URL('..', import.meta.url));
    const contents = "export { KubeConfig } from '@kubernetes/client-node/dist/config.js';";
    builder.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ path }) => ({ path, namespace: 'kube-config' }));
    builder.onLoad({ filter: /.*/, namespace: 'kube-config' }, () => ({ contents, resolveDir }));
  },
};

const CLIENT = /[\\/]@kubernetes[\\/]client-node[\\/]/;
const REFUSE = "{ throw new Error('this part of the Kubernetes client is not in the bundle'); }";

/** Requests are the operator's own, so `KubeConfig` makes no generated clients here, and no agents for fetch. */
export const UNUSED_OF_CLIENT = [
  {
    path: /gen\/index\.js$/,
    importer: CLIENT,
    contents: `export class ServerConfiguration { constructor() ${REFUSE} } export function createConfiguration() ${REFUSE}`,
  },
  {
    path: /^undici$/,
    importer: CLIENT,
    contents: `export class Agent { constructor() ${REFUSE} } export class ProxyAgent { constructor() ${REFUSE} }`,
  },
];
