/** The rules of the house: who may use whom. */
const only = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });

module.exports = {
  forbidden: [
    only(
      'no-cycles',
      'Modules that need each other are one module or want a third.',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    only(
      'policy-is-pure',
      'The core knows no program, no file, no network.',
      { path: '^policy/' },
      { path: '^(runtime|operator|gateway|cli|sdk|bench|scripts)/' },
    ),
    only('policy-has-no-node', 'The core also runs in a browser.', { path: '^policy/' }, { dependencyTypes: ['core'] }),
    only(
      'runtime-serves',
      'What both programs need of Node (clock, log, settings, certificates) knows neither of them.',
      { path: '^runtime/' },
      { path: '^(operator|gateway|cli|sdk|bench|scripts)/' },
    ),
    only(
      'gateway-alone',
      'Data plane and control plane meet only in the core.',
      { path: '^gateway/' },
      { path: '^(operator|cli|bench|scripts)/' },
    ),
    only(
      'operator-alone',
      'Control plane and data plane meet only in the core.',
      { path: '^operator/' },
      { path: '^(gateway|cli|bench|scripts)/' },
    ),
    only(
      'products-need-no-tooling',
      'Nothing that ships uses benchmarks or scripts.',
      { path: '^(policy|runtime|gateway|operator|cli)/' },
      { path: '^(bench|scripts|test)/' },
    ),
    only(
      'opa-wasm-in-one-place',
      'Only the evaluator speaks to the WebAssembly module.',
      { pathNot: '^gateway/evaluator/' },
      { path: 'opa-wasm' },
    ),
    only(
      'kube-knows-no-aegis',
      'The controller runtime could serve any operator.',
      { path: '^operator/kube/' },
      { path: '^(policy|operator/(?!kube/))' },
    ),
    only(
      'kubernetes-in-one-place',
      'Only operator/kube speaks to the API server.',
      { pathNot: '^operator/kube/' },
      { path: '@kubernetes/client-node' },
    ),
    only(
      'no-orphans',
      'A file that nothing uses is dead.',
      { orphan: true, pathNot: ['\\.d\\.ts$', '\\.generated\\.ts$', '^\\.', 'types\\.ts$', '\\.mjs$'] },
      {},
    ),
    only(
      'no-dev-dependencies',
      'What ships needs only what it declares.',
      { path: '^(policy|runtime|gateway|operator|cli)/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    ),
    only('resolvable', 'Every import exists.', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};
