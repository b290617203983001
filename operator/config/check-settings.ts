import type { ErrorCode } from '../../policy/errors.ts';
import type { SettingProblem } from '../../runtime/settings/given-value.ts';
import { howToGive } from '../../runtime/settings/program-settings.ts';
import { sameAddresses } from '../../runtime/settings/same-address.ts';
import { ENVIRONMENT_PREFIX, type GivenSettings, type SettingKey } from './settings.ts';

const LISTENERS = ['listen.webhook', 'listen.bundles', 'listen.admin'] as const satisfies SettingKey[];

/** Whether the settings go together, each by itself being right. */
export function checkSettings(settings: GivenSettings, origins: ReadonlyMap<string, string>): SettingProblem[] {
  const problems: SettingProblem[] = [];
  const add = (code: ErrorCode, key: SettingKey, message: string): void => {
    const origin = origins.get(key);
    problems.push({ code, message, ...(origin !== undefined && origin !== 'default' && { origin }) });
  };
  const conflict = (key: SettingKey, message: string): void => add('AEGIS_SETTING_CONFLICT', key, message);

  if (settings['certificates.mode'] === 'Files' && settings['certificates.directory'] === undefined) {
    const how = howToGive({ environmentPrefix: ENVIRONMENT_PREFIX }, 'certificates.directory');
    const message = `certificates.directory is needed for certificates.mode Files: ${how}.`;
    add('AEGIS_SETTING_MISSING', 'certificates.directory', message);
  }
  checkLeader(settings, conflict);
  if (settings['publish.debounce'] > settings['publish.maxDelay']) {
    conflict('publish.debounce', 'publish.debounce must not be longer than publish.maxDelay.');
  }
  if (settings['publish.headLifetime'] < 60_000) {
    conflict('publish.headLifetime', 'publish.headLifetime must be at least 1m, or heads expire on their way.');
  }
  const listeners = LISTENERS.map((key) => ({ key, name: key, address: settings[key] }));
  for (const { key, message } of sameAddresses(listeners)) conflict(key, message);
  return problems;
}

/**
 * Two leaders at once are what a Lease is against: the old one must have given up, and have noticed it, before the
 * others take over.
 */
function checkLeader(settings: GivenSettings, conflict: (key: SettingKey, message: string) => void): void {
  const lease = settings['leader.leaseDuration'];
  const deadline = settings['leader.renewDeadline'];
  const retry = settings['leader.retryPeriod'];
  if (lease % 1000 !== 0 || lease === 0) {
    conflict('leader.leaseDuration', 'leader.leaseDuration must be whole seconds, as it stands in the Lease.');
  }
  if (deadline >= lease) {
    conflict('leader.renewDeadline', 'leader.renewDeadline must be shorter than leader.leaseDuration.');
  }
  if (retry === 0 || retry * 1.2 >= deadline) {
    conflict('leader.retryPeriod', 'leader.retryPeriod must be above 0 and well below leader.renewDeadline.');
  }
}
