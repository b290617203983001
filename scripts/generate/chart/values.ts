import { SETTINGS, type SettingKey } from '../../../operator/config/settings.ts';
import type { Setting } from '../../../runtime/settings/setting.ts';
import type { JsonSchema } from '../../../runtime/settings/value-types.ts';

/** One value of the chart, or a group of them: JSON Schema, whose `default` is what values.yaml says. */
export interface ChartValue extends JsonSchema {
  description: string;
  default?: unknown;
  /** Of a group: its values, in order. A group has no default of its own, and takes no others. */
  properties?: Record<string, ChartValue>;
}

const text = (description: string, fallback = '', more: JsonSchema = {}): ChartValue => ({
  description,
  type: 'string',
  ...more,
  default: fallback,
});
const flag = (description: string, fallback: boolean): ChartValue => ({
  description,
  type: 'boolean',
  default: fallback,
});
const list = (description: string, items: JsonSchema, fallback: unknown[] = []): ChartValue => ({
  description,
  type: 'array',
  items,
  default: fallback,
});
/** A map, or a part of a Pod as Kubernetes defines it. */
const map = (description: string, more: JsonSchema = {}): ChartValue => ({
  description,
  type: 'object',
  ...more,
  default: {},
});
const group = (description: string, properties: Record<string, ChartValue>): ChartValue => ({
  description,
  type: 'object',
  additionalProperties: false,
  properties,
});

const TEXTS: JsonSchema = { additionalProperties: { type: 'string' } };
/** Those that say what an object is belong to the chart. */
const LABELS: JsonSchema = { ...TEXTS, propertyNames: { not: { pattern: '^(app\\.kubernetes\\.io|helm\\.sh)/' } } };
const NAME = { type: 'string', pattern: '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$' };
const PORT = { type: 'integer', minimum: 1, maximum: 65_535 };
const CIDR = { type: 'string', pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$' };
const PULL_POLICY = { enum: ['', 'Always', 'IfNotPresent', 'Never'] };
const QUANTITIES: JsonSchema = { additionalProperties: { type: ['string', 'number'] } };

function image(repository: string, registry: string): Record<string, ChartValue> {
  return {
    registry: text(registry),
    repository: text('Name of the image in its registry.', repository, { minLength: 1 }),
    tag: text("Tag; empty: the chart's `appVersion`, or none where there is a digest."),
    digest: text('`sha256:…`: this very image, whatever its tag says meanwhile.', '', {
      pattern: '^(sha256:[0-9a-f]{64})?$',
    }),
    pullPolicy: text('When a node fetches it; empty: as Kubernetes does by the tag.', '', PULL_POLICY),
  };
}

/** Set by the chart itself: names and ports that its other objects rely on, or values of their own. */
const SET_BY_CHART =
  /^(namespace|kubeconfig|identity|pod\..*|listen\..*|services\..*|relay\..*|certificates\.(mode|directory)|injection\..*)$/;

/** The operator's settings that `operator.settings` takes. */
function settings(): ChartValue {
  const taken = Object.entries<Setting<unknown>>(SETTINGS).filter(([key]) => !SET_BY_CHART.test(key));
  const properties = taken.map(([key, { type, doc, default: fallback }]) => {
    const standing = fallback === undefined || fallback === '' ? '' : ` Default: ${fallback}.`;
    return [key, { description: `${doc}${standing}`, ...type.schema }];
  });
  return {
    ...map(
      'Settings of the operator, by key (docs/operator-configuration.md); not those that other values stand for.',
      {
        additionalProperties: false,
      },
    ),
    properties: Object.fromEntries(properties),
  };
}

/** How a setting reads where nothing is given. */
const unset = (key: SettingKey): string => {
  const { default: fallback } = SETTINGS[key] as Setting<unknown>;
  return `empty: the operator's default${fallback === undefined ? '' : `, \`${fallback}\``}`;
};

/**
 * Every value of the chart. values.yaml, values.schema.json and the reference in docs/helm-values.md are made from here.
 * A name that is not here is refused by Helm, so that a typo never goes unnoticed.
 */
export const CHART_VALUES: ChartValue = group('Values of the chart aegis', {
  replicas: {
    description: 'Operators. All of them serve gateways and the API server, one leads.',
    type: 'integer',
    minimum: 1,
    maximum: 9,
    default: 2,
  },
  image: group('Image of the operator (`Dockerfile.operator`).', {
    ...image('aegis-operator', 'Registry, e.g. `registry.example.com/security`; empty: the default of the nodes.'),
    pullSecrets: list('Secrets with credentials of the registry, in the namespace of the release.', {
      type: 'object',
      required: ['name'],
      additionalProperties: false,
      properties: { name: NAME },
    }),
  }),
  operator: group('The operator and its pods.', {
    settings: settings(),
    resources: {
      ...map('Resources of the container.'),
      default: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
    },
    nodeSelector: map('Labels of the nodes that it may run on.', TEXTS),
    affinity: map('Affinity of its pods. They are spread over nodes in any case.'),
    tolerations: list('Taints of nodes that it tolerates.', { type: 'object' }),
    priorityClassName: text('Priority class, e.g. `system-cluster-critical`: agent pods do not start without it.'),
    podLabels: map('Further labels of its pods.', LABELS),
    podAnnotations: map('Further annotations of its pods.', TEXTS),
  }),
  injection: group('The gateway that is put into the pods of agents.', {
    enabled: flag('Whether the webhooks are installed that put it in, and check that it stays as it is.', true),
    image: group('Image of the gateway (`Dockerfile`). Credentials for it are those of the agent pods.', {
      ...image('aegis-gateway', 'Registry; empty: `image.registry`.'),
    }),
    uid: {
      description: 'User and group id of the gateway in pods; no other container may have it.',
      type: 'integer',
      minimum: 1,
      maximum: 2_147_483_647,
      default: Number(SETTINGS['injection.uid'].default),
    },
    resources: group('Resources of the gateway in a pod.', {
      requests: map(`Reserved; ${unset('injection.requests')}.`, QUANTITIES),
      limits: map(`Used at most; ${unset('injection.limits')}.`, QUANTITIES),
    }),
    capture: text(
      `How calls reach the gateway (\`injection.capture\`): Auto, Transparent or Explicit; ${unset('injection.capture')}.`,
      '',
      { enum: ['', 'Auto', 'Transparent', 'Explicit'] },
    ),
    gatewaySettings: map('Settings of every gateway, by key (docs/gateway-configuration.md), as text.', TEXTS),
    clusterDomain: text(`Name suffix of the Services of the cluster; ${unset('injection.clusterDomain')}.`),
  }),
  certificates: group('Certificate that the operator serves with.', {
    secretName: text(
      'Secret with `tls.crt`, `tls.key` and `ca.crt`, e.g. of cert-manager; empty: the operator makes and renews its own.',
    ),
  }),
  webhooks: group('Webhook configurations.', {
    annotations: map('Annotations of all of them, e.g. `cert-manager.io/inject-ca-from: aegis-system/aegis`.', TEXTS),
  }),
  crds: group('Definitions of the resources.', {
    install: flag('Whether the chart installs and upgrades them. They are never deleted with the release.', true),
  }),
  networkPolicy: group('What may reach the operator, and what it may reach.', {
    enabled: flag('Whether there is a NetworkPolicy; everything that it does not list is dropped.', true),
    apiServer: group('The API server: calls the webhooks, and is called.', {
      cidrs: list('Addresses that it may have, as nodes see them.', CIDR, ['0.0.0.0/0', '::/0']),
      ports: list('Its ports, of the Service and of its endpoints.', PORT, [443, 6443]),
    }),
    dns: group('Name servers.', {
      namespaces: list('Namespaces of their pods.', NAME, ['kube-system']),
      cidrs: list('Addresses of those that are no pods, e.g. of a cache on the node.', CIDR),
      ports: list('Their ports.', PORT, [53]),
    }),
    gateways: group('Pods that may ask for bundles, beside those of namespaces with the label `aegis.dev/inject`.', {
      namespaces: list('Namespaces of gateways that were not injected.', NAME),
    }),
    monitoring: group('Pods that may read metrics and health.', {
      namespaces: list('Their namespaces; empty: none may.', NAME),
    }),
  }),
  serviceMonitor: group('For the Prometheus operator.', {
    enabled: flag('Whether there is a ServiceMonitor, and the Service that it names.', false),
    labels: map('Its labels, by which a Prometheus selects it.', TEXTS),
    interval: text('Time between two scrapes, e.g. `30s`; empty: as Prometheus is set up.', '', {
      pattern: '^([0-9]+(ms|s|m|h))?$',
    }),
  }),
  commonLabels: map('Labels of every object of the chart.', LABELS),
  global: map('Not used. Helm hands it to every chart that is part of another one.'),
});
