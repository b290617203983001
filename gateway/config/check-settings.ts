import type { ErrorCode } from '../../policy/errors.ts';
import type { SettingProblem } from '../../runtime/settings/given-value.ts';
import { howToGive } from '../../runtime/settings/program-settings.ts';
import { type NamedAddress, sameAddresses } from '../../runtime/settings/same-address.ts';
import { ENVIRONMENT_PREFIX, type SettingKey, type Settings } from './settings.ts';

const LISTENERS = [
  'listen.decisions',
  'listen.proxy',
  'listen.http',
  'listen.tls',
  'listen.extAuthz',
  'listen.admin',
] as const satisfies SettingKey[];

const SOURCES = ['bundle.directory', 'bundle.configMap', 'bundle.url'] as const satisfies SettingKey[];

/** Whether the settings go together, each by itself being right. */
export function checkSettings(settings: Settings, origins: ReadonlyMap<string, string>): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const add = (code: ErrorCode, key: SettingKey, message: string): void => {
    const origin = origins.get(key);
    problems.push({ code, message, ...(origin !== undefined && origin !== 'default' && { origin }) });
  };
  const need = (key: SettingKey, because: string): void => {
    const value = settings[key];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) return;
    const how = howToGive({ environmentPrefix: ENVIRONMENT_PREFIX }, key);
    add('AEGIS_SETTING_MISSING', key, `${key} is needed${because}: ${how}.`);
  };
  const conflict = (key: SettingKey, message: string): void => add('AEGIS_SETTING_CONFLICT', key, message);

  need('tenant', '');
  need('bundle.trustedKeys', ', because no bundle is trusted without a key');
  if (SOURCES.every((key) => settings[key] === undefined)) {
    add(
      'AEGIS_SETTING_MISSING',
      SOURCES[0],
      `One of ${SOURCES.join(', ')} is needed: bundles must come from somewhere.`,
    );
  }
  if (settings['limits.store'] === 'redis') need('limits.redis.url', ' for limits.store redis');
  if (settings['listen.tls'] !== 'off') need('capture.caDirectory', ' for listen.tls');
  if (settings['capture.trustBundle'] !== undefined) need('capture.caDirectory', ' for capture.trustBundle');
  const captures = ['listen.proxy', 'listen.http', 'listen.tls'].filter(
    (key) => settings[key as 'listen.tls'] !== 'off',
  );
  if (settings['listen.tools'].size > 0) captures.push('listen.tools');
  if (captures.length > 0) need('agent', `, because ${captures.join(' and ')} must know who calls`);

  if (settings['telemetry.whenFull'] === 'DenyWrites' && settings['telemetry.log'] === 'off') {
    conflict('telemetry.whenFull', 'telemetry.whenFull DenyWrites needs a log, and telemetry.log is off.');
  }
  for (const key of ['bundle.url', 'bundle.acknowledge.url', 'report.url'] as const) {
    if (settings['bundle.tokenFile'] !== undefined && isPlain(settings[key])) {
      conflict(key, `The token of bundle.tokenFile would be sent unencrypted: ${key} must begin with https://.`);
    }
  }
  if (settings['telemetry.otlp.headersFile'] !== undefined && isPlain(settings['telemetry.otlp.endpoint'])) {
    conflict(
      'telemetry.otlp.endpoint',
      'telemetry.otlp.headersFile would be sent unencrypted: telemetry.otlp.endpoint must begin with https://.',
    );
  }
  const listeners: NamedAddress<SettingKey>[] = [
    ...LISTENERS.map((key) => ({ key, name: key, address: settings[key] })),
    ...[...settings['listen.tools']].map(([tool, address]) => ({
      key: 'listen.tools' as const,
      name: `listen.tools.${tool}`,
      address,
    })),
  ];
  for (const { key, message } of sameAddresses(listeners)) conflict(key, message);
  return problems;
}

/** Leaves the machine in the clear. */
function isPlain(url: URL | undefined): boolean {
  if (url === undefined || url.protocol !== 'http:') return false;
  const { hostname } = url;
  return !(hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.'));
}
