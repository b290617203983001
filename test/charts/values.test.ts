/** The values of the chart: what is refused, and how those of the operator reach it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { OPERATOR_SETTINGS } from '../../operator/config/operator-settings.ts';
import { loadSettings } from '../../runtime/settings/load-settings.ts';
import { environmentName } from '../../runtime/settings/setting.ts';
import { CHART, FULL, manifestsIn, named, render } from './helm.ts';

describe('values are checked', () => {
  test.each([
    ['a typo', ['--set=replica=3'], /additional properties 'replica' not allowed/],
    ['a typo further down', ['--set=injection.image.tga=1'], /at '\/injection\/image': additional properties 'tga'/],
    ['text for a number', ['--set-string=replicas=3'], /at '\/replicas': got string, want integer/],
    ['a number for text', ['--set=image.tag=1'], /at '\/image\/tag': got number, want string/],
    ['no replica', ['--set=replicas=0'], /at '\/replicas': minimum: got 0, want 1/],
    ['root as user', ['--set=injection.uid=0'], /at '\/injection\/uid': minimum/],
    ['no digest', ['--set=image.digest=latest'], /at '\/image\/digest': 'latest' does not match pattern/],
    ['a word that is none', ['--set=injection.capture=transparent'], /at '\/injection\/capture': value must be one of/],
    ['an unknown setting', ['--set=operator.settings.worker=2'], /additional properties 'worker' not allowed/],
    ['a wrong setting', ['--set-string=operator.settings.workers=many'], /'\/operator\/settings\/workers': got string/],
    ['a setting of the chart', ['--set=operator.settings.listen\\.admin=off'], /additional properties 'listen.admin'/],
    ['no address block', ['--set=networkPolicy.apiServer.cidrs={here}'], /'here' does not match pattern/],
    ['a label of the chart', ['--set=commonLabels.helm\\.sh/chart=x'], /invalid propertyName 'helm.sh\/chart'/],
  ])('%s', (_, flags, words) => {
    expect(() => render(...flags)).toThrow(words);
  });

  interface Schema {
    additionalProperties?: unknown;
    properties?: Record<string, Schema>;
    default?: unknown;
  }
  /** By path; groups are those without a default. */
  function schemas(schema: Schema, path: string[] = []): [path: string, Schema][] {
    const below = schema.default === undefined ? Object.entries(schema.properties ?? {}) : [];
    return [[path.join('.'), schema], ...below.flatMap(([key, child]) => schemas(child, [...path, key]))];
  }
  const all = schemas(JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')));

  test('wherever names are fixed, others are refused', () => {
    const groups = all.filter(([, { properties }]) => properties !== undefined);
    expect(groups.length).toBeGreaterThan(10);
    expect(groups.filter(([, { additionalProperties }]) => additionalProperties !== false)).toEqual([]);
  });

  test('values.yaml holds the defaults, all of them', () => {
    const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
    for (const [path, { default: fallback }] of all) {
      if (fallback !== undefined) expect(path.split('.').reduce((at, key) => at?.[key], values)).toEqual(fallback);
    }
  });

  test('a value that is taken away (null) is empty, or asked for', () => {
    for (const [path, { default: fallback }] of all) {
      if (fallback === undefined) continue;
      const flags = [`--set=${path}=null`, '--set=serviceMonitor.enabled=true'];
      if (path === 'injection.uid')
        expect(() => render(...flags)).toThrow(/injection\.uid: a number above 0 is needed/);
      else expect(render(...flags)).not.toContain('<nil>');
    }
  });

  test('it may be part of another chart', () => {
    expect(() => render('--set=global.registry=x')).not.toThrow();
  });
});

describe('settings of the operator', () => {
  interface PodTemplate {
    template: { spec: { containers: { env: { name: string; value?: string }[] }[] } };
  }

  /** As the operator reads the variables of its container. */
  async function understood(text: string) {
    const { template } = named(manifestsIn(text), 'Deployment aegis-operator').spec as PodTemplate;
    const variables = template.spec.containers[0]?.env ?? [];
    const environment = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
    return loadSettings(OPERATOR_SETTINGS, { argv: [], environment, readFile: async () => '' });
  }

  test('are understood by it, as they were given', async () => {
    const { settings, problems } = await understood(render(FULL));
    expect(problems).toEqual([]);
    expect(settings).toMatchObject({
      hosts: ['metrics.example.com', 'prometheus.example.com'],
      workers: 8,
      events: false,
      'certificates.names': ['aegis.example.com'],
      'certificates.mode': 'Files',
      'certificates.directory': '/var/run/secrets/aegis.dev/certificate',
      'webhook.crossObject': 'Warn',
      'leader.leaseDuration': 30_000,
      'publish.headLifetime': 48 * 3_600_000,
      'injection.image': 'mirror.example.com/aegis/gateway:1.2.4',
      'injection.imagePullPolicy': 'IfNotPresent',
      'injection.uid': 17_002,
      'injection.requests': new Map([
        ['cpu', '20m'],
        ['memory', '160Mi'],
      ]),
      'injection.limits': new Map([
        ['cpu', '1'],
        ['memory', '320Mi'],
      ]),
      'injection.capture': 'Explicit',
      'injection.gatewaySettings': new Map([
        ['telemetry.level', 'debug'],
        ['upstream.allowPrivate', '10.0.0.0/8,192.168.0.0/16'],
      ]),
      'injection.clusterDomain': 'k8s.example.com',
    });
  });

  test('each of them can be given', async () => {
    const schema = parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
    const keys = Object.keys(schema.properties.operator.properties.settings.properties);
    expect(keys).toEqual(expect.arrayContaining(['workers', 'leader.leaseDuration', 'telemetry.level']));
    const values = Object.fromEntries(keys.map((key) => [key, sampleOf(key)]));
    const text = render(
      `--set-json=operator.settings=${JSON.stringify(values)}`,
      '--show-only=templates/deployment.yaml',
    );
    for (const key of keys) expect(text).toContain(` ${environmentName('AEGIS_OPERATOR_', key)}\n`);
    const { problems } = await understood(text);
    expect(problems.filter(({ code }) => code !== 'AEGIS_SETTING_CONFLICT')).toEqual([]);
    function sampleOf(key: string): unknown {
      const { type, enum: words, minimum } = schema.properties.operator.properties.settings.properties[key];
      if (words !== undefined) return words[0];
      const text = key === 'bundles.address' ? 'https://a.example.com' : '30s';
      return { integer: minimum, boolean: true, array: ['a.example.com'], string: text }[type as 'string'];
    }
  });
});
