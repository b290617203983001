import { given, optional, type Setting, type SettingsOf } from '../../runtime/settings/setting.ts';
import {
  ADDRESS,
  BOOLEAN,
  DURATION,
  integer,
  LISTENER,
  listOf,
  mapOf,
  NAME,
  oneOf,
  PATH,
  SIZE,
  TEXT,
  url,
} from '../../runtime/settings/value-types.ts';
import { HOST_PATTERN, PEM } from './value-types.ts';

const HTTP = url('http', 'https');

/**
 * Every setting of the gateway. A key is also its flag (`--listen.decisions`), its place in the settings file
 * (`listen: {decisions: …}`), and with the prefix its environment variable (`AEGIS_GATEWAY_LISTEN_DECISIONS`). Help,
 * `docs/gateway-configuration.md` and `schemas/gateway-config.json` come from here. No setting takes a secret, only
 * the path of a file that holds one.
 */
export const SETTINGS = {
  agent: optional(NAME, 'Agent that every call is made by; without it only callers of the decision API can name one.'),
  tenant: optional(NAME, 'Tenant that the bundle must be for. Needed.'),
  tenantUid: optional(
    TEXT,
    'Uid of the tenant that the bundle must be for; default: the one that `aegis sign` writes, `local:TENANT`.',
  ),
  hosts: given(
    listOf(NAME),
    '',
    'Further names that requests to the decision, proxy and admin listeners may have in Host, beside loopback names.',
  ),

  'bundle.directory': optional(PATH, 'Folder (or .tar.gz) with the bundle, e.g. what `aegis sign` wrote.'),
  'bundle.configMap': optional(PATH, 'Folder at which the ConfigMap of the bootstrap copy is mounted.'),
  'bundle.url': optional(
    HTTP,
    'URL of the bundle at the bundle API of the operator. At least one of these three is needed; of several, the newest bundle counts.',
  ),
  'bundle.tokenFile': optional(PATH, 'File with the bearer token for bundle.url; read at every request.'),
  'bundle.ca': optional(
    PEM,
    'Certificates to trust for bundle.url, as text: whoever can change files cannot change them. Wins over bundle.caFile.',
  ),
  'bundle.caFile': optional(PATH, 'Certificates (PEM) to trust for bundle.url instead of the public ones.'),
  'bundle.pollWait': given(DURATION, '60s', 'How long one request to bundle.url may wait for a change (long poll).'),
  'bundle.pollInterval': optional(
    DURATION,
    'Longest time between two looks at a source; default: what suits the source.',
  ),
  'bundle.trustedKeys': given(
    listOf(PATH),
    '',
    'Files with the public keys (PEM) or key rings (JSON) that may sign bundles. At least one is needed.',
  ),
  'bundle.pinnedKeys': given(listOf(TEXT), '', 'Ids of the only keys that count, whatever the files say.'),
  'bundle.minSequence': given(integer(1), '1', 'Bundles with a lower sequence are refused.'),
  'bundle.store': optional(PATH, 'Folder that keeps the last good bundle over restarts.'),
  'bundle.maxStaleness': optional(
    DURATION,
    "How long after its last renewal a bundle counts as current; can only tighten the tenant's own word.",
  ),
  'bundle.failMode': given(
    oneOf('Closed', 'StaleReadOnly'),
    'StaleReadOnly',
    'What a stale bundle may still allow: nothing, or low-risk reads where the tenant has opted in.',
  ),
  'bundle.acknowledge.url': optional(HTTP, 'Where the operator is told which bundle is in force here.'),
  'bundle.acknowledge.instance': optional(TEXT, 'Name of this gateway towards the operator; default: the host name.'),
  'bundle.acknowledge.interval': optional(DURATION, 'Longest time between two acknowledgements.'),

  'report.url': optional(
    HTTP,
    'Where the operator is told what was refused and what candidates would change, as counts. Token and certificates are those of bundle.url.',
  ),
  'report.interval': given(DURATION, '10s', 'Shortest time between two such reports; without changes there is none.'),

  'listen.decisions': given(LISTENER, '127.0.0.1:8181', 'Decision API.'),
  'listen.proxy': given(
    LISTENER,
    '127.0.0.1:15001',
    'Tools by path prefix (`/TOOL/…`), and the forward proxy for HTTP_PROXY and HTTPS_PROXY.',
  ),
  'listen.http': given(
    LISTENER,
    'off',
    'Tools by Host, for redirected plain HTTP. At 127.0.0.1 it is at [::1] as well, where IPv6 is redirected to.',
  ),
  'listen.tls': given(
    LISTENER,
    'off',
    'Tools by the server name of TLS, for redirected traffic. At 127.0.0.1 it is at [::1] as well.',
  ),
  'listen.tools': given(mapOf(ADDRESS, 'tool'), '', 'One address per tool, for clients that take a host and a port.'),
  'listen.extAuthz': given(LISTENER, 'off', "Envoy's ext_authz (gRPC)."),
  'listen.peers': given(
    oneOf('Machine', 'Any'),
    'Machine',
    'Who may connect to the listeners above: this machine (in a pod: its containers), or whoever reaches the address.',
  ),
  'listen.proxyTokenFile': optional(
    PATH,
    'File with the token that the forward proxy asks for (Proxy-Authorization); without it, none.',
  ),
  'listen.extAuthzNamedAgents': given(
    BOOLEAN,
    'false',
    "Whether Envoy's configuration may name the agent (`agent` in the route's context extensions).",
  ),
  'listen.admin': given(
    LISTENER,
    '127.0.0.1:15020',
    'Health and metrics. They hold no parameters; probes and scrapers from outside the pod need 0.0.0.0:15020.',
  ),

  'capture.caDirectory': optional(
    PATH,
    'Folder with the key and certificate of the CA that signs for the hosts of tools; made where there is none.',
  ),
  'capture.caExport': optional(PATH, 'File to write the CA certificate (PEM) to, for clients to trust.'),
  'capture.trustBundle': optional(
    PATH,
    'File to write the CA certificate and the public ones (PEM) to, for clients that take one file with all they trust.',
  ),
  'capture.unknownHosts': given(
    oneOf('Refuse', 'Record', 'Pass'),
    'Refuse',
    'What happens to calls of hosts that no tool names: refused, passed and recorded, or passed.',
  ),
  'capture.allowHosts': given(
    listOf(HOST_PATTERN),
    '',
    'Hosts that pass in any case, also at private addresses, as long as no tool names them. Without a port, at 80 and 443.',
  ),

  'egress.observe': given(
    BOOLEAN,
    'false',
    'Whether it is told where other users of this machine (in a pod: its other containers) connect to past the gateway, and which hosts of no tool they call.',
  ),

  'upstream.secretsDirectory': optional(PATH, "Folder with the tools' credentials (`credentialRef`)."),
  'upstream.allowPrivate': given(
    listOf(TEXT),
    '',
    'Private addresses (CIDR) or host names that tools may be at, beside public ones.',
  ),
  'upstream.overrides': given(
    mapOf(HTTP, 'tool'),
    '',
    "Base URL per tool instead of the tool's own, for stand-ins and tests.",
  ),
  'upstream.connectTimeout': given(DURATION, '10s', 'Longest time to connect to a tool, TLS included.'),
  'upstream.headersTimeout': given(DURATION, '2m', 'Longest time until a tool begins to answer.'),
  'upstream.bodyTimeout': given(DURATION, '5m', "Longest silence within a tool's answer; 0: no bound."),
  'upstream.totalTimeout': given(DURATION, '0', 'Longest time for a whole exchange; 0: no bound.'),
  'upstream.connections': given(integer(1, 4096), '128', 'Connections per tool at most.'),
  'request.maxBody': given(
    SIZE,
    '1MiB',
    'Largest body that is read to decide on it; bodies that need not be read may be larger.',
  ),

  'limits.store': given(
    oneOf('memory', 'redis'),
    'memory',
    'Where rates and budgets are kept: in this process, or shared in Redis or Valkey.',
  ),
  'limits.redis.url': optional(
    url('redis', 'rediss', 'unix'),
    'URL of the Redis or Valkey server, e.g. rediss://valkey:6379/0. Needed for `redis`.',
  ),
  'limits.redis.username': optional(TEXT, 'User name at the server.'),
  'limits.redis.passwordFile': optional(PATH, 'File with the password at the server; read for every connection.'),
  'limits.redis.caFile': optional(PATH, 'Certificates (PEM) to trust for rediss:// instead of the public ones.'),
  'limits.redis.certificateFile': optional(PATH, 'Certificate (PEM) of this client, where the server wants one.'),
  'limits.redis.keyFile': optional(PATH, 'Private key (PEM) of that certificate.'),
  'limits.redis.prefix': given(TEXT, 'aegis:', 'Before every key.'),
  'limits.redis.timeout': given(
    DURATION,
    '250ms',
    'Longest time to wait for an answer; after it, limits.onUnavailable holds.',
  ),
  'limits.replicas': given(
    integer(1, 10_000),
    '1',
    'Gateways that enforce the same limits. With several, budgets of calls that write need `redis`.',
  ),
  'limits.onUnavailable': given(
    oneOf('Deny', 'ByRisk'),
    'ByRisk',
    'Calls with limits while the shared store is down: none pass, or low-risk reads pass uncounted.',
  ),

  'telemetry.log': given(PATH, 'stdout', 'Where the decision log goes: `stdout`, `off`, or a file.'),
  'telemetry.logMaxSize': given(SIZE, '64MiB', 'Size at which the file of telemetry.log is renamed and begun anew.'),
  'telemetry.logKeep': given(integer(0, 100), '5', 'How many renamed files of telemetry.log are kept.'),
  'telemetry.level': given(oneOf('error', 'warn', 'info', 'debug'), 'info', "The gateway's own log on standard error."),
  'telemetry.spill.directory': optional(
    PATH,
    'Folder for log lines that cannot be delivered yet; without it they wait in memory only.',
  ),
  'telemetry.spill.maxSize': given(SIZE, '64MiB', 'Largest size of that folder.'),
  'telemetry.whenFull': given(
    oneOf('Allow', 'DenyWrites'),
    'Allow',
    'What happens when the decision log can take nothing more: lines are dropped and counted, or calls that write are refused as well.',
  ),
  'telemetry.otlp.endpoint': optional(
    HTTP,
    'OpenTelemetry collector (OTLP over HTTP); /v1/traces is added. Without it there are no spans.',
  ),
  'telemetry.otlp.headersFile': optional(
    PATH,
    'File with headers for the collector, one `Name: value` a line; read again when it changes.',
  ),
  'telemetry.otlp.caFile': optional(PATH, 'Certificates (PEM) to trust for the collector instead of the public ones.'),
  'telemetry.otlp.timeout': given(DURATION, '10s', 'Longest time for one request to the collector.'),
  'telemetry.otlp.queue': given(
    integer(1, 1_000_000),
    '2048',
    'Spans that wait for the collector at most; further ones are dropped and counted.',
  ),
  'telemetry.service': given(TEXT, 'aegis-gateway', '`service.name` of the spans.'),

  'drain.grace': given(
    DURATION,
    '20s',
    'How long calls in flight may go on after SIGTERM. Keep it below the grace period of the pod.',
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingKey = keyof typeof SETTINGS;

/** All values, by key. */
export type Settings = SettingsOf<typeof SETTINGS>;

export const ENVIRONMENT_PREFIX = 'AEGIS_GATEWAY_';
