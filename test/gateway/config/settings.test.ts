import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { openCertificateAuthority } from '../../../gateway/capture/ca/certificate-authority.ts';
import { GATEWAY_SETTINGS } from '../../../gateway/config/gateway-settings.ts';
import { ENVIRONMENT_PREFIX, SETTINGS } from '../../../gateway/config/settings.ts';
import { type LoadedSettings, loadSettings } from '../../../runtime/settings/load-settings.ts';
import { keysOf } from '../../../runtime/settings/program-settings.ts';
import { environmentName as environmentNameOf, flagName, type Setting } from '../../../runtime/settings/setting.ts';
import { helpText, problemsText, settingsText } from '../../../runtime/settings/settings-text.ts';

const SETTING_KEYS = keysOf(GATEWAY_SETTINGS);
const environmentName = (key: string): string => environmentNameOf(ENVIRONMENT_PREFIX, key);

const GOOD = ['--tenant', 'fintech', '--agent', 'a', '--bundle.directory', 'out', '--bundle.trustedKeys', 'k.pub'];

function load(
  argv: readonly string[],
  environment: Record<string, string> = {},
  files: Record<string, string> = {},
): Promise<LoadedSettings<typeof SETTINGS>> {
  return loadSettings(GATEWAY_SETTINGS, {
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

test('every default is a value of its own type, and every type reads back what it writes', () => {
  for (const key of SETTING_KEYS) {
    const { type, default: fallback } = SETTINGS[key] as Setting<unknown>;
    if (fallback === undefined) continue;
    const value = type.fromText(fallback);
    expect({ key, value }).not.toEqual({ key, value: undefined });
    const text = (type.toText as (value: unknown) => string)(value);
    expect(type.fromText(text)).toEqual(value);
  }
});

test('names of variables and flags are unique', () => {
  expect(new Set(SETTING_KEYS.map(environmentName)).size).toBe(SETTING_KEYS.length);
  expect(environmentName('bundle.trustedKeys')).toBe('AEGIS_GATEWAY_BUNDLE_TRUSTED_KEYS');
  expect(flagName('listen.decisions')).toBe('--listen.decisions');
});

test('flags before environment before file before defaults', async () => {
  const files = { 'g.yaml': 'listen:\n  decisions: 127.0.0.1:1\n  proxy: 127.0.0.1:2\n  admin: 127.0.0.1:3\n' };
  const environment = { AEGIS_GATEWAY_LISTEN_DECISIONS: '127.0.0.1:4', AEGIS_GATEWAY_LISTEN_PROXY: '127.0.0.1:5' };
  const argv = [...GOOD, '--config', 'g.yaml', '--listen.decisions=127.0.0.1:6'];
  const { settings, origins, problems } = await load(argv, environment, files);
  expect(problems).toEqual([]);
  expect(settings['listen.decisions']).toEqual({ host: '127.0.0.1', port: 6 });
  expect(settings['listen.proxy']).toEqual({ host: '127.0.0.1', port: 5 });
  expect(settings['listen.admin']).toEqual({ host: '127.0.0.1', port: 3 });
  expect(settings['listen.tls']).toBe('off');
  expect(origins.get('listen.decisions')).toBe('--listen.decisions');
  expect(origins.get('listen.proxy')).toBe('AEGIS_GATEWAY_LISTEN_PROXY');
  expect(origins.get('listen.admin')).toBe('g.yaml:4');
  expect(origins.get('listen.tls')).toBe('default');
});

test('the settings file may be JSON, and is found by its variable', async () => {
  const files = { '/etc/g.json': '{"tenant":"t","agent":"a","bundle":{"directory":"d","trustedKeys":["k","l"]}}' };
  const { settings, problems } = await load([], { AEGIS_GATEWAY_CONFIG: '/etc/g.json' }, files);
  expect(problems).toEqual([]);
  expect(settings['bundle.trustedKeys']).toEqual(['k', 'l']);
});

test('lists and maps: commas, repeated flags, and their own form in a file', async () => {
  const argv = [...GOOD, '--bundle.trustedKeys', 'b,c', '--listen.tools', 'x=127.0.0.1:1', '--listen.tools=y=[::1]:2'];
  const { settings, problems } = await load(argv);
  expect(problems).toEqual([]);
  expect(settings['bundle.trustedKeys']).toEqual(['k.pub', 'b', 'c']);
  expect([...settings['listen.tools']]).toEqual([
    ['x', { host: '127.0.0.1', port: 1 }],
    ['y', { host: '::1', port: 2 }],
  ]);
  const file = await load([...GOOD, '--config', 'f'], {}, { f: 'upstream: {overrides: {x: "http://127.0.0.1:9/v1"}}' });
  expect(file.settings['upstream.overrides'].get('x')?.href).toBe('http://127.0.0.1:9/v1');
});

test('all that is wrong is told at once, with its place and what is allowed', async () => {
  const files = {
    'g.yaml': 'listen:\n  decisons: 127.0.0.1:1\n  tools: {a: nonsense}\nagent:\nbundle: 5\ndrain: {grace: 5}\n',
  };
  const argv = [
    '--config',
    'g.yaml',
    '--tenant',
    'T',
    '--listen.proxi',
    'x',
    'y',
    '--drain.grace=1',
    '--telemetry.level',
  ];
  const found = await problems(
    argv,
    { AEGIS_GATEWAY_TENNANT: 'x', AEGIS_GATEWAY_LIMITS_REPLICAS: '0', OTHER: '1' },
    files,
  );
  expect(found).toEqual([
    'the command line|There is no setting --listen.proxi; did you mean --listen.proxy?|AEGIS_SETTING_UNKNOWN',
    'the command line|An argument stands alone; every setting is given as --key value.|AEGIS_SETTING_UNKNOWN',
    '--telemetry.level|--telemetry.level needs a value.|AEGIS_SETTING_VALUE',
    'the environment|There is no setting AEGIS_GATEWAY_TENNANT; did you mean AEGIS_GATEWAY_TENANT?|AEGIS_SETTING_UNKNOWN',
    'g.yaml:2|There is no setting listen.decisons; did you mean listen.decisions?|AEGIS_SETTING_UNKNOWN',
    'g.yaml:5|bundle holds further settings, so it must be an object.|AEGIS_SETTINGS_SYNTAX',
    'g.yaml:4|agent takes a name of lower-case letters, digits, dots and dashes.|AEGIS_SETTING_VALUE',
    '--tenant|tenant takes a name of lower-case letters, digits, dots and dashes.|AEGIS_SETTING_VALUE',
    'g.yaml:3|listen.tools takes TOOL=VALUE, where VALUE is HOST:PORT, for example 127.0.0.1:8181 or [::1]:8181; several with commas between them.|AEGIS_SETTING_VALUE',
    'AEGIS_GATEWAY_LIMITS_REPLICAS|limits.replicas takes a whole number from 1 to 10000.|AEGIS_SETTING_VALUE',
    '--drain.grace|drain.grace takes a duration such as 500ms, 10s, 5m, 1h or 7d, or 0.|AEGIS_SETTING_VALUE',
    'g.yaml:6|drain.grace takes a duration such as 500ms, 10s, 5m, 1h or 7d, or 0.|AEGIS_SETTING_VALUE',
  ]);
});

test('what is needed and what does not go together', async () => {
  const missing = await problems([]);
  expect(missing).toHaveLength(4);
  expect(missing[0]).toContain(
    'tenant is needed: give --tenant, AEGIS_GATEWAY_TENANT, or tenant in the settings file.',
  );
  expect(missing.join('\n')).toContain('One of bundle.directory, bundle.configMap, bundle.url is needed');
  expect(missing.join('\n')).toContain('agent is needed, because listen.proxy must know who calls');

  const http = ['--tenant', 't', '--bundle.trustedKeys', 'k', '--listen.proxy', 'off', '--bundle.url', 'http://op:1/b'];
  expect(await problems(http)).toEqual([]);
  expect(await problems([...http, '--bundle.tokenFile', 'x'])).toEqual([
    '--bundle.url|The token of bundle.tokenFile would be sent unencrypted: bundle.url must begin with https://.|AEGIS_SETTING_CONFLICT',
  ]);
  expect(await problems([...GOOD, '--limits.store', 'redis'])).toHaveLength(1);
  expect(await problems([...GOOD, '--listen.tls', '127.0.0.1:0'])).toHaveLength(1);
  expect(await problems([...GOOD, '--listen.admin', '0.0.0.0:8181'])).toEqual([
    '--listen.admin|listen.admin and listen.decisions are the same address.|AEGIS_SETTING_CONFLICT',
  ]);
  expect(await problems([...GOOD, '--telemetry.whenFull', 'DenyWrites', '--telemetry.log', 'off'])).toHaveLength(1);
});

test('a settings file that is absent, broken or hostile', async () => {
  expect(await problems([...GOOD, '--config', 'none'])).toEqual([
    'none|The settings file cannot be read (ENOENT).|AEGIS_SETTING_FILE',
  ]);
  const broken = ['a: [', 'tenant: a\ntenant: b', '- a', '"x"', '? {a: b}\n: c', 'tenant: *no', 'x'.repeat(300_000)];
  for (const text of broken) {
    const found = await load([...GOOD, '--config', 'f'], {}, { f: text });
    expect([text.slice(0, 20), found.problems.length > 0]).toEqual([text.slice(0, 20), true]);
  }
  expect(await problems([...GOOD, '--config', 'f'], {}, { f: '' })).toEqual([]);
});

test('no value appears in a message: it might be a secret', async () => {
  const secret = 's3cr3t-hunter2';
  const argv = [
    `--limits.redis.password=${secret}`,
    '--limits.replicas',
    secret,
    '--bundle.url',
    `https://u:${secret}@h/`,
  ];
  const environment = { AEGIS_GATEWAY_LIMITS_REDIS_PASSWORD: secret, AEGIS_GATEWAY_LISTEN_ADMIN: secret };
  const files = { f: `limits:\n  redis:\n    password: ${secret}\n    url: redis://:${secret}@h\n` };
  const { problems } = await load([...argv, '--config', 'f'], environment, files);
  const text = problemsText(GATEWAY_SETTINGS, problems);
  expect(text).not.toContain(secret);
  expect(text).toContain('did you mean --limits.redis.passwordFile?');
  expect(text).toContain('f:3: There is no setting limits.redis.password; did you mean limits.redis.passwordFile?');
});

test('what Kubernetes puts beside a Service of our name is no setting', async () => {
  const environment = {
    AEGIS_GATEWAY_SERVICE_HOST: '10.0.0.1',
    AEGIS_GATEWAY_SERVICE_PORT: '80',
    AEGIS_GATEWAY_SERVICE_PORT_HTTP: '80',
    AEGIS_GATEWAY_PORT: 'tcp://10.0.0.1:80',
    AEGIS_GATEWAY_PORT_80_TCP: 'tcp://10.0.0.1:80',
    AEGIS_GATEWAY_PORT_80_TCP_ADDR: '10.0.0.1',
    AEGIS_GATEWAY_INTERNAL_SERVICE_HOST: '10.0.0.1',
    AEGIS_GATEWAY_AGENT: '',
  };
  expect(await problems(GOOD, environment)).toEqual([]);
});

test('help names every setting, and the settings in force say where they come from', async () => {
  const help = helpText(GATEWAY_SETTINGS);
  for (const key of SETTING_KEYS) expect(help).toContain(`--${key} (`);
  expect((await load(['--help', '--nonsense'])).command).toBe('help');
  expect((await load(['--check-config'])).command).toBe('check-config');
  const text = settingsText(GATEWAY_SETTINGS, await load([...GOOD, '--listen.tools', 'x=127.0.0.1:1']));
  expect(text).toContain('tenant: fintech  # --tenant\n');
  expect(text).toContain('listen.tools: x=127.0.0.1:1  # --listen.tools\n');
  expect(text).toContain('drain.grace: 20s  # default\n');
  expect(text).toContain('bundle.url: (none)  # default\n');
});

test('arbitrary arguments, variables and files never throw, and never give settings beside a problem', async () => {
  const word = fc.oneof(
    fc.constantFrom(...SETTING_KEYS.map(flagName), '--', '-x', '--config', '--help', 'f', '='),
    fc.string({ maxLength: 12 }),
  );
  const variables = fc.dictionary(fc.constantFrom(...SETTING_KEYS.map(environmentName)), fc.string({ maxLength: 12 }), {
    maxKeys: 4,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(word, { maxLength: 6 }),
      variables,
      fc.string({ maxLength: 40 }),
      async (argv, env, f) => {
        const { settings, problems } = await load(argv, env, { f });
        if (problems.length > 0) return;
        expect(settings.tenant).toBeDefined();
        expect(settings['bundle.trustedKeys'].length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 300 },
  );
});

const CERTIFICATE = (() => {
  const files = new Map<string, string>();
  return openCertificateAuthority({
    files: { read: (name) => files.get(name), write: (name, text) => files.set(name, text) },
    now: Date.now,
    randomBytes: (size) => randomBytes(size),
  });
})().certificate;

test('certificates stand in a setting as text, and keys never do', async () => {
  const text = `${CERTIFICATE}\n# another\n${CERTIFICATE}`;
  const { settings, problems: none } = await load(GOOD, { AEGIS_GATEWAY_BUNDLE_CA: text });
  expect([none, settings['bundle.ca']]).toEqual([[], CERTIFICATE.repeat(2)]);
  const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
  const broken = CERTIFICATE.replace('MII', 'AAA');
  for (const bad of ['ca.crt', key, `${CERTIFICATE}${key}`, broken, CERTIFICATE.repeat(200)]) {
    expect(await problems(GOOD, { AEGIS_GATEWAY_BUNDLE_CA: bad })).toEqual([
      expect.stringMatching(/^AEGIS_GATEWAY_BUNDLE_CA\|.*\|AEGIS_SETTING_VALUE$/),
    ]);
  }
});

test('hosts that pass are hosts, with or without what is below them', async () => {
  const hosts = ['--capture.allowHosts', 'Kubernetes.default.svc,*.example.com,db:5432'];
  const { settings } = await load([...GOOD, ...hosts]);
  expect(settings['capture.allowHosts'].map(({ host, port }) => [host, port])).toEqual([
    ['kubernetes.default.svc', undefined],
    ['*.example.com', undefined],
    ['db', 5432],
  ]);
  expect(await problems([...GOOD, '--capture.allowHosts', '*'])).toHaveLength(1);
});

test('redirected traffic needs to know who calls; a bundle of certificates needs a CA', async () => {
  const without = GOOD.filter((word) => word !== '--agent' && word !== 'a');
  const given = ['--listen.proxy', 'off', '--listen.http', '127.0.0.1:15080', '--capture.trustBundle', 'b.crt'];
  const codes = (await problems([...without, ...given])).map((text) => text.split('|').at(-1));
  expect(codes).toEqual(['AEGIS_SETTING_MISSING', 'AEGIS_SETTING_MISSING']);
});
