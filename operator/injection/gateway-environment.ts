import { AegisError } from '../../policy/errors.ts';
import { type CaptureMode, PATHS, PORTS } from '../../policy/wire/pod-contract.ts';
import { environmentName } from '../../runtime/settings/setting.ts';
import { variable } from './container-parts.ts';
import { allowedHosts } from './egress-allow.ts';
import { LOOPBACK, toolAddresses } from './tool-addresses.ts';
import { toolSecrets } from './tool-secrets.ts';
import type { EnvironmentVariable, InjectionFacts, InjectionSettings } from './types.ts';
import { TOKEN_FILE } from './volumes.ts';

const PREFIX = 'AEGIS_GATEWAY_';

export const MIN_SEQUENCE_VARIABLE = environmentName(PREFIX, 'bundle.minSequence');

/** By this name the operator knows the gateway; the pod has none before it is admitted. */
const INSTANCE = 'bundle.acknowledge.instance';

const UNKNOWN_HOSTS = { Off: 'Pass', Observe: 'Record', Enforce: 'Refuse' } as const;

/**
 * Settings that say whom the gateway serves, whom it trusts and how it is reached: rendered here, or not given at all.
 * Whatever else there is can be set for all gateways (`InjectionSettings.gatewaySettings`).
 */
const OWN_SETTINGS: ReadonlySet<string> = new Set([
  'config',
  'agent',
  'tenant',
  'tenantUid',
  'bundle.directory',
  'bundle.configMap',
  'bundle.url',
  'bundle.tokenFile',
  'bundle.ca',
  'bundle.caFile',
  'bundle.trustedKeys',
  'bundle.pinnedKeys',
  'bundle.minSequence',
  'bundle.store',
  'bundle.acknowledge.url',
  INSTANCE,
  'report.url',
  'listen.decisions',
  'listen.proxy',
  'listen.http',
  'listen.tls',
  'listen.tools',
  'listen.peers',
  'listen.proxyTokenFile',
  'listen.extAuthz',
  'listen.extAuthzNamedAgents',
  'listen.admin',
  'capture.caDirectory',
  'capture.caExport',
  'capture.trustBundle',
  'capture.unknownHosts',
  'capture.allowHosts',
  'egress.observe',
  'upstream.secretsDirectory',
]);
const KEY = /^[a-z][A-Za-z]*(?:\.[a-z][A-Za-z]*)*$/;

/** Keys of `gatewaySettings` that have no effect, because they are ours or no keys at all. */
export function ignoredGatewaySettings({ gatewaySettings }: Pick<InjectionSettings, 'gatewaySettings'>): string[] {
  return Object.keys(gatewaySettings).filter((key) => OWN_SETTINGS.has(key) || !KEY.test(key));
}

/** Everything that the gateway goes by. Trust stands here, in the pod's own spec, and not in what is mounted. */
export function gatewayEnvironment(
  facts: InjectionFacts,
  mode: CaptureMode,
  settings: InjectionSettings,
): EnvironmentVariable[] {
  // without them the mounted keys would count
  if (facts.pinnedKeys.length === 0) throw new AegisError('AEGIS_INJECT_RENDER', 'no key is known to be pinned');
  const ignored = new Set(ignoredGatewaySettings(settings));
  const further = Object.entries(settings.gatewaySettings)
    .filter(([key, value]) => !ignored.has(key) && value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const uid = { apiVersion: 'v1', fieldPath: 'metadata.uid' };
  return [
    ...variables([...whom(facts), ...bundles(facts, settings)]),
    { name: environmentName(PREFIX, INSTANCE), valueFrom: { fieldRef: uid } },
    ...variables([...listeners(facts, mode), ...capture(facts), ...secrets(facts), ...further]),
  ];
}

type Given = readonly [key: string, value: string];

function variables(given: readonly Given[]): EnvironmentVariable[] {
  return given.map(([key, value]) => variable(environmentName(PREFIX, key), value));
}

function whom({ registration, tenant }: InjectionFacts): Given[] {
  return [
    ['agent', registration.agentId],
    ['tenant', tenant.name],
    ['tenantUid', tenant.uid],
  ];
}

function bundles({ registration, tenant, ...facts }: InjectionFacts, settings: InjectionSettings): Given[] {
  const address = settings.bundlesAddress.replace(/\/+$/, '');
  return [
    ['bundle.configMap', PATHS.bootstrap],
    ['bundle.url', `${address}/v1/bundles/${tenant.name}/${registration.agentId}.tar.gz`],
    ['bundle.tokenFile', `${PATHS.token}/${TOKEN_FILE}`],
    ['bundle.ca', facts.caPem],
    ['bundle.trustedKeys', `${PATHS.bootstrap}/keyring.json`],
    ['bundle.pinnedKeys', [...facts.pinnedKeys].sort().join(',')],
    ['bundle.minSequence', String(facts.minSequence)],
    ['bundle.store', `${PATHS.state}/bundle`],
    ['bundle.acknowledge.url', `${address}/v1/acknowledgements`],
    ['report.url', `${address}/v1/reports`],
  ];
}

function listeners({ registration }: InjectionFacts, mode: CaptureMode): Given[] {
  const ports = toolAddresses(registration.tools).flatMap(({ toolId, port }) =>
    port === undefined ? [] : [`${toolId}=${LOOPBACK}:${port}`],
  );
  const given: Given[] = [
    ['listen.decisions', `${LOOPBACK}:${PORTS.decisions}`],
    ['listen.proxy', `${LOOPBACK}:${PORTS.proxy}`],
    // the kubelet asks from outside
    ['listen.admin', `0.0.0.0:${PORTS.admin}`],
  ];
  if (ports.length > 0) given.push(['listen.tools', ports.join(',')]);
  if (mode === 'Transparent') {
    given.push(['listen.http', `${LOOPBACK}:${PORTS.http}`], ['listen.tls', `${LOOPBACK}:${PORTS.tls}`]);
  }
  return given;
}

function capture({ registration: { egressGuard, egressAllow } }: InjectionFacts): Given[] {
  const hosts = allowedHosts(egressAllow);
  const given: Given[] = [
    ['capture.caDirectory', `${PATHS.state}/ca`],
    ['capture.caExport', PATHS.caFile],
    ['capture.trustBundle', PATHS.trustBundle],
    ['capture.unknownHosts', UNKNOWN_HOSTS[egressGuard]],
  ];
  if (hosts.length > 0) given.push(['capture.allowHosts', hosts.join(',')]);
  if (egressGuard !== 'Off') given.push(['egress.observe', 'true']);
  return given;
}

function secrets({ registration }: InjectionFacts): Given[] {
  return toolSecrets(registration.tools) === undefined ? [] : [['upstream.secretsDirectory', PATHS.tools]];
}
