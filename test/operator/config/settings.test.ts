import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import fc from 'fast-check';
import { completeSettings, type Place } from '../../../operator/config/complete-settings.ts';
import { OPERATOR_SETTINGS } from '../../../operator/config/operator-settings.ts';
import { ENVIRONMENT_PREFIX, SETTINGS } from '../../../operator/config/settings.ts';
import { loadSettings } from '../../../runtime/settings/load-settings.ts';
import { keysOf } from '../../../runtime/settings/program-settings.ts';
import { environmentName, flagName, type Setting } from '../../../runtime/settings/setting.ts';
import { helpText, settingsText } from '../../../runtime/settings/settings-text.ts';

const KEYS = keysOf(OPERATOR_SETTINGS);
const PLACE: Place = { serviceAccountNamespace: undefined, hostName: 'host-1', nonce: 'ab12' };

function load(argv: readonly string[], environment: Record<string, string> = {}, files: Record<string, string> = {}) {
  return loadSettings(OPERATOR_SETTINGS, {
    argv,
    environment,
    readFile: async (path) => {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' });
      return text;
    },
  });
}

const problems = async (...given: Parameters<typeof load>): Promise<string[]> =>
  (await load(...given)).problems.map(({ origin, message, code }) => `${origin ?? ''}|${message}|${code}`);

test('nothing need be given, and every default is a value of its own type', async () => {
  expect(await problems([])).toEqual([]);
  for (const key of KEYS) {
    const { type, default: fallback } = SETTINGS[key] as Setting<unknown>;
    if (fallback === undefined) continue;
    const value = type.fromText(fallback);
    expect({ key, value }).not.toEqual({ key, value: undefined });
    expect(type.fromText((type.toText as (value: unknown) => string)(value))).toEqual(value);
  }
});

test('no variable of a setting is one that Kubernetes sets beside a Service of our name', async () => {
  const names = KEYS.map((key) => environmentName(ENVIRONMENT_PREFIX, key));
  expect(new Set(names).size).toBe(KEYS.length);
  for (const name of names) expect(name).not.toMatch(/SERVICE_(HOST|PORT)|_PORT(_|$)/);
  const links = {
    AEGIS_OPERATOR_WEBHOOK_SERVICE_HOST: '10.0.0.1',
    AEGIS_OPERATOR_WEBHOOK_PORT_443_TCP_ADDR: '10.0.0.1',
    AEGIS_OPERATOR_BUNDLES_PORT: 'tcp://10.0.0.1:443',
    AEGIS_OPERATOR_SERVICE_PORT: '443',
  };
  expect(await problems([], links)).toEqual([]);
  expect(await problems([], { AEGIS_OPERATOR_WORKER: '5' })).toEqual([
    'the environment|There is no setting AEGIS_OPERATOR_WORKER; did you mean AEGIS_OPERATOR_WORKERS?|AEGIS_SETTING_UNKNOWN',
  ]);
});

test('defaults of the place: what is given stays', async () => {
  const { settings } = await load([]);
  expect(completeSettings(settings, PLACE)).toMatchObject({
    namespace: 'aegis-system',
    identity: 'host-1_ab12',
    'pod.name': 'host-1',
    'relay.serviceAccount': 'system:serviceaccount:aegis-system:aegis-operator',
  });
  const inPod = completeSettings(settings, { ...PLACE, serviceAccountNamespace: 'platform' });
  expect(inPod.namespace).toBe('platform');
  expect(inPod['bundles.address'].href).toBe('https://aegis-operator-bundles.platform.svc/');
  expect(inPod['relay.serviceAccount']).toBe('system:serviceaccount:platform:aegis-operator');

  const given = await load(['--namespace', 'ns', '--pod.name', 'p-0', '--bundles.address', 'https://op:1/x']);
  const complete = completeSettings(given.settings, { ...PLACE, serviceAccountNamespace: 'platform' });
  expect(complete.namespace).toBe('ns');
  expect(complete.identity).toBe('p-0_ab12');
  expect(complete['bundles.address'].href).toBe('https://op:1/x');
  const shown = settingsText(OPERATOR_SETTINGS, { settings: complete, origins: given.origins });
  expect(shown).toContain('namespace: ns  # --namespace\n');
  expect(shown).toContain('identity: p-0_ab12  # default\n');
});

test('what does not go together', async () => {
  expect(await problems(['--certificates.mode', 'Files'])).toEqual([
    '|certificates.directory is needed for certificates.mode Files: give --certificates.directory, AEGIS_OPERATOR_CERTIFICATES_DIRECTORY, or certificates.directory in the settings file.|AEGIS_SETTING_MISSING',
  ]);
  expect(await problems(['--certificates.mode', 'Files', '--certificates.directory', '/tls'])).toEqual([]);
  for (const argv of [
    ['--leader.leaseDuration', '10s'],
    ['--leader.leaseDuration', '15500ms'],
    ['--leader.leaseDuration', '0'],
    ['--leader.retryPeriod', '9s'],
    ['--leader.retryPeriod', '0'],
    ['--leader.renewDeadline', '1m'],
    ['--publish.debounce', '1s'],
    ['--publish.headLifetime', '10s'],
    ['--listen.admin', '127.0.0.1:8443'],
  ]) {
    const found = await problems(argv);
    expect([argv, found.length > 0, found.every((each) => each.endsWith('AEGIS_SETTING_CONFLICT'))]).toEqual([
      argv,
      true,
      true,
    ]);
  }
  expect(await problems(['--listen.webhook', 'off', '--listen.admin', '127.0.0.1:9443'])).toEqual([]);
  expect(await problems(['--listen.bundles', 'off'])).toHaveLength(1);
  expect(await problems(['--bundles.address', 'http://op'])).toHaveLength(1);
});

test('hosts are names and addresses as they stand in certificates', async () => {
  const names = ['op.example', '10.0.0.1', '2001:db8::1', '::1'];
  const { settings, problems: none } = await load(['--certificates.names', names.join(',')]);
  expect(none).toEqual([]);
  expect(settings['certificates.names']).toEqual(names);
  for (const bad of ['[::1]', 'OP', 'a b', 'op:443', '::g', '*.x', 'https://op']) {
    expect([bad, (await problems(['--pod.address', bad])).length]).toEqual([bad, 1]);
  }
});

test('the leases that are accepted always leave room: retry < deadline < lease', async () => {
  const ms = fc.integer({ min: 0, max: 40_000 }).map((value) => (value === 0 ? '0' : `${value}ms`));
  await fc.assert(
    fc.asyncProperty(ms, ms, ms, async (lease, deadline, retry) => {
      const argv = ['--leader.leaseDuration', lease, '--leader.renewDeadline', deadline, '--leader.retryPeriod', retry];
      const { settings, problems: found } = await load(argv);
      if (found.length > 0) return;
      expect(settings['leader.retryPeriod']).toBeGreaterThan(0);
      expect(settings['leader.renewDeadline']).toBeGreaterThan(settings['leader.retryPeriod']);
      expect(settings['leader.leaseDuration']).toBeGreaterThan(settings['leader.renewDeadline']);
    }),
    { numRuns: 300 },
  );
});

test('help and page name every setting, and no setting takes a secret', () => {
  const help = helpText(OPERATOR_SETTINGS);
  const page = readFileSync(join(__dirname, '../../../docs/operator-configuration.md'), 'utf8');
  for (const key of KEYS) {
    expect(help).toContain(`${flagName(key)} (`);
    expect(page).toContain(`| \`${key}\` |`);
    expect(key).not.toMatch(/password|secret|token$/i);
  }
});

test('the editor schema takes what the operator takes', () => {
  const path = join(__dirname, '../../../schemas/operator-config.json');
  const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(path, 'utf8')));
  expect(validate({ listen: { webhook: 'off', bundles: '0.0.0.0:8443' }, workers: 8, events: false })).toBe(true);
  expect(validate({ listen: { webhok: 'off' } })).toBe(false);
  expect(validate({ workers: 0 })).toBe(false);
});
