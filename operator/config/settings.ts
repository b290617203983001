import { GATEWAY_UID } from '../../policy/wire/pod-contract.ts';
import { given, optional, type Setting, type SettingsOf } from '../../runtime/settings/setting.ts';
import {
  ADDRESS,
  BOOLEAN,
  DURATION,
  HOST,
  integer,
  LISTENER,
  listOf,
  NAME,
  oneOf,
  PAIRS,
  PATH,
  TEXT,
  url,
} from '../../runtime/settings/value-types.ts';

/**
 * Every setting of the operator. A key is also its flag (`--listen.bundles`), its place in the settings file
 * (`listen: {bundles: …}`), and with the prefix its environment variable (`AEGIS_OPERATOR_LISTEN_BUNDLES`). Help,
 * `docs/operator-configuration.md` and `schemas/operator-config.json` come from here. No setting takes a secret, only
 * the path of a file that holds one.
 */
export const SETTINGS = {
  namespace: optional(
    NAME,
    "Namespace of the operator, which is also the platform's: its Lease, keys and bundles are here, and the tools that every tenant may use. Default: the ServiceAccount's, else `aegis-system`.",
  ),
  kubeconfig: optional(
    PATH,
    'File that says where the API server is and who the operator is there; default: the ServiceAccount of the pod, else what kubectl uses.',
  ),
  identity: optional(
    TEXT,
    'Name of this process in the Lease. Default: pod.name and a random part, new at every start, so that two processes are never taken for one.',
  ),
  'pod.name': optional(NAME, 'Name of this pod, for Events and the Lease. Default: the host name.'),
  'pod.address': given(
    HOST,
    '127.0.0.1',
    'Host or IP at which the other replicas reach listen.bundles of this one (`status.podIP`).',
  ),
  hosts: given(
    listOf(NAME),
    '',
    'Further names that requests to the admin listener may have in Host, beside addresses and loopback names.',
  ),

  'listen.webhook': given(LISTENER, '0.0.0.0:9443', 'Webhooks (HTTPS), which the API server calls.'),
  'listen.bundles': given(ADDRESS, '0.0.0.0:8443', 'Bundle API (HTTPS), which gateways and other replicas call.'),
  'listen.admin': given(
    LISTENER,
    '0.0.0.0:15020',
    'Health and metrics. They hold names of resources, and no rules, parameters or secrets.',
  ),

  'services.webhook': given(NAME, 'aegis-operator-webhook', 'Service before listen.webhook, for its certificate.'),
  'services.bundles': given(NAME, 'aegis-operator-bundles', 'Service before listen.bundles, for its certificate.'),
  'bundles.address': optional(
    url('https'),
    'URL at which gateways reach the bundle API. Default: `https://SERVICE.NAMESPACE.svc` of services.bundles.',
  ),

  'certificates.mode': given(
    oneOf('SelfManaged', 'Files'),
    'SelfManaged',
    'Where the serving certificate comes from: a CA of the operator that it rotates, or files (e.g. of cert-manager).',
  ),
  'certificates.directory': optional(
    PATH,
    'Folder with `tls.crt`, `tls.key` and `ca.crt`, read again when they change. Needed for `Files`.',
  ),
  'certificates.names': given(
    listOf(HOST),
    '',
    'Further DNS names and IP addresses in the serving certificate, beside those of the services.',
  ),

  'webhook.validation': given(
    BOOLEAN,
    'true',
    'Whether resources are validated when they are written; invalid ones that get in otherwise stall themselves.',
  ),

  'webhook.crossObject': given(
    oneOf('Deny', 'Warn'),
    'Deny',
    'What happens to a resource that does not fit others which could still be changed to fit it. Flux checks all of a commit before it applies any of it: `Warn` lets a tool and the policy that needs its change come in one.',
  ),

  'injection.image': optional(
    TEXT,
    'Image of the gateway, which is put into the pods of agents. Without it, pods of namespaces with the label `aegis.dev/inject` are not admitted.',
  ),
  'injection.imagePullPolicy': optional(
    oneOf('Always', 'IfNotPresent', 'Never'),
    'When a node fetches that image; default: as Kubernetes does by its tag.',
  ),
  'injection.uid': given(
    integer(1, 2_147_483_647),
    String(GATEWAY_UID),
    'User and group id of the gateway in pods; no other container may have it.',
  ),
  'injection.requests': given(PAIRS, 'cpu=10m; memory=128Mi', 'Resources that are reserved for the gateway in a pod.'),
  'injection.limits': given(PAIRS, 'memory=256Mi', 'Resources that the gateway in a pod may use at most.'),
  'injection.capture': given(
    oneOf('Auto', 'Transparent', 'Explicit'),
    'Auto',
    "How calls reach the gateway: redirected (Transparent), by proxy variables and ports (Explicit), or redirected where the namespace's Pod Security level allows it (Auto).",
  ),
  'injection.gatewaySettings': given(
    PAIRS,
    '',
    'Further settings of every gateway (docs/gateway-configuration.md), e.g. `upstream.allowPrivate=10.0.0.0/8`; none of those that are rendered can be changed so.',
  ),
  'injection.clusterDomain': given(HOST, 'cluster.local', 'Name suffix of the Services of the cluster.'),

  'relay.tokenFile': given(
    PATH,
    '/var/run/secrets/aegis.dev/operator/token',
    'File with the projected token (audience `aegis.dev/operator`) by which replicas know each other; read at every request.',
  ),
  'relay.serviceAccount': optional(
    TEXT,
    'User name that the token of another replica must have. Default: `system:serviceaccount:NAMESPACE:aegis-operator`.',
  ),

  'leader.leaseDuration': given(
    DURATION,
    '15s',
    'How long a Lease that is not renewed still counts for the other replicas. Whole seconds.',
  ),
  'leader.renewDeadline': given(DURATION, '10s', 'How long the leader tries to renew its Lease before it gives up.'),
  'leader.retryPeriod': given(DURATION, '2s', 'Time between two attempts to get or to renew the Lease.'),

  workers: given(integer(1, 64), '4', 'Tenants that are reconciled at the same time.'),
  'publish.debounce': given(
    DURATION,
    '75ms',
    'Quiet time after a change before its tenant is published, so that a burst is published once.',
  ),
  'publish.maxDelay': given(DURATION, '500ms', 'Longest time that a change waits for quiet.'),
  'publish.headLifetime': given(
    DURATION,
    '24h',
    'How long a signed head is valid for tenants without an AgentTenant, which says it otherwise.',
  ),
  events: given(BOOLEAN, 'true', 'Whether Kubernetes Events are written.'),

  'telemetry.level': given(oneOf('error', 'warn', 'info', 'debug'), 'info', "The operator's log on standard error."),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingKey = keyof typeof SETTINGS;

/** All values, by key, as they are given. */
export type GivenSettings = SettingsOf<typeof SETTINGS>;

/** Settings whose default depends on where the operator runs. */
export type PlaceKey = 'namespace' | 'identity' | 'pod.name' | 'bundles.address' | 'relay.serviceAccount';

/** All values, by key, with every default filled in (`complete-settings.ts`). */
export type OperatorSettings = Omit<GivenSettings, PlaceKey> & {
  readonly [K in PlaceKey]: NonNullable<GivenSettings[K]>;
};

export const ENVIRONMENT_PREFIX = 'AEGIS_OPERATOR_';
