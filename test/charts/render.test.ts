/** What the chart renders, without a cluster. `AEGIS_UPDATE_GOLDEN=1` writes the goldens anew. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { OPERATOR_SETTINGS } from '../../operator/config/operator-settings.ts';
import { loadSettings } from '../../runtime/settings/load-settings.ts';
import { environmentName } from '../../runtime/settings/setting.ts';
import { COPIES, chartTemplate, chartTemplates } from '../../scripts/generate/chart/manifests.ts';
import { installed } from '../apiserver/processes.ts';
import { CHART, helm, type Manifest, manifestsIn, nameOf, ROOT, render } from './helm.ts';

const FULL = `--values=${join(__dirname, 'full.values.yaml')}`;
/** Templates that are no copies. */
const OWN = ['deployment', 'network-policy', 'service-monitor'].map((name) => `templates/${name}.yaml`);

const named = (manifests: Manifest[], name: string): Manifest => {
  const found = manifests.filter((manifest) => nameOf(manifest) === name);
  expect(found).toHaveLength(1);
  return found[0] as Manifest;
};

test('helm finds nothing to complain about', () => {
  expect(helm('lint', '--strict', CHART)).toMatchObject({ status: 0, stderr: '' });
  expect(helm('lint', '--strict', CHART, FULL)).toMatchObject({ status: 0, stderr: '' });
});

describe('goldens', () => {
  const golden = (name: string, text: string): void => {
    const path = join(__dirname, 'golden', `${name}.yaml`);
    if (process.env.AEGIS_UPDATE_GOLDEN === '1') writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, 'utf8'));
  };
  test('without values', () => {
    golden('default', render(...OWN.slice(0, 2).map((path) => `--show-only=${path}`)));
  });
  test('with every value', () => {
    golden('full', render(FULL, ...OWN.map((path) => `--show-only=${path}`)));
  });
});

/** Without what the chart adds: whose release an object is, and that definitions stay. */
function plain(manifest: Manifest): Manifest {
  const ours = [
    'app.kubernetes.io/instance',
    'app.kubernetes.io/managed-by',
    'app.kubernetes.io/version',
    'helm.sh/chart',
  ];
  const copy = structuredClone(manifest);
  const { metadata } = copy;
  for (const label of ours) {
    expect(metadata.labels).toHaveProperty([label]);
    delete metadata.labels?.[label];
  }
  if (copy.kind === 'CustomResourceDefinition') {
    expect(metadata.annotations).toEqual({
      'argocd.argoproj.io/sync-options': 'Prune=false',
      'helm.sh/resource-policy': 'keep',
    });
    delete metadata.annotations;
    delete metadata.labels;
  }
  return copy;
}

test('without values it installs what `kubectl apply -k config/operator` does', () => {
  const kustomized = execFileSync(installed('kubectl'), ['kustomize', join(ROOT, 'config/operator')], {
    encoding: 'utf8',
  });
  const byName = (manifests: Manifest[]) => Object.fromEntries(manifests.map((each) => [nameOf(each), each]));
  const { 'Namespace aegis-system': namespace, ...expected } = byName(manifestsIn(kustomized));
  expect(namespace).toBeDefined();
  expect(byName(manifestsIn(render()).map(plain))).toEqual(expected);
});

test('another namespace, user, registry: nothing of the default ones is left', () => {
  const flags = ['--namespace=elsewhere', '--set=injection.uid=17002', '--set=image.registry=registry.example.com/a'];
  const manifests = manifestsIn(render(...flags, '--set=serviceMonitor.enabled=true'));
  const text = JSON.stringify(manifests.filter(({ kind }) => kind !== 'CustomResourceDefinition'));
  expect(text).not.toMatch(/aegis-system|16001/);
  for (const { metadata } of manifests) {
    if (metadata.namespace !== undefined) expect(metadata.namespace).toBe('elsewhere');
  }
  const sidecar = named(manifests, 'ValidatingAdmissionPolicy aegis-sidecar');
  const { variables } = sidecar.spec as { variables: { name: string; expression: string }[] };
  expect(variables).toContainEqual({ name: 'gatewayImage', expression: "'registry.example.com/a/aegis-gateway'" });
  expect(variables).toContainEqual({ name: 'gatewayUid', expression: '17002' });
  expect(JSON.stringify(named(manifests, 'ValidatingAdmissionPolicy aegis-status'))).toContain(
    'system:serviceaccount:elsewhere:aegis-operator',
  );
});

test('what values switch off is not there', () => {
  const kinds = (...flags: string[]) => new Set(manifestsIn(render(...flags)).map(nameOf));
  const all = kinds();
  const without = (...flags: string[]) => {
    const left = kinds(...flags);
    return [...all].filter((name) => !left.has(name)).sort();
  };
  expect(without('--set=injection.enabled=false')).toEqual([
    'MutatingWebhookConfiguration aegis-injection',
    'ValidatingWebhookConfiguration aegis-pods',
  ]);
  expect(without('--set=networkPolicy.enabled=false')).toEqual(['NetworkPolicy aegis-operator']);
  expect(without('--set=replicas=1')).toEqual(['PodDisruptionBudget aegis-operator']);
  expect(without('--set=crds.install=false').every((name) => name.startsWith('CustomResourceDefinition '))).toBe(true);
});

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

describe('templates', () => {
  const templates = readdirSync(join(CHART, 'templates'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

  test('give the same at every time and place, so that GitOps tools never see a difference', () => {
    const varying =
      /\b(lookup|rand\w*|uuidv4|now|date\w*|gen\w*|derivePassword|htpasswd|encryptAES|getHostByName|IsInstall|IsUpgrade|Revision|Capabilities)\b/;
    for (const path of templates) {
      for (const [action] of readFileSync(path, 'utf8').matchAll(/\{\{.*?\}\}/gs)) {
        if (!action.startsWith('{{- /*') && !action.startsWith('{{/*'))
          expect(`${path}: ${action}`).not.toMatch(varying);
      }
    }
    expect(render(FULL)).toBe(render(FULL));
  });

  test('bear no certificates', () => {
    expect(render()).not.toMatch(/caBundle:|BEGIN CERTIFICATE|kind: Secret/);
  });

  test('are copies of what is there, and of nothing that was', () => {
    const copies = templates.map((path) => relative(ROOT, path)).filter((path) => path.startsWith(COPIES));
    expect(copies.sort()).toEqual([...chartTemplates(ROOT).keys()].sort());
  });
});

describe('copies', () => {
  const manifest = 'kind: Role\nmetadata:\n  name: a\n  labels:\n    app.kubernetes.io/part-of: aegis\nrules: []\n';

  test('of a manifest that looks like a template stay what they are', () => {
    expect(chartTemplate('a.yaml', `${manifest}text: "{{ x }}"\n`, {})).toContain('text: "{{ "{{" }} x }}"');
  });

  test('need a place for labels', () => {
    const labelled = /a\.yaml: the label app\.kubernetes\.io\/part-of: aegis is missing/;
    expect(() => chartTemplate('a.yaml', manifest.replace('part-of', 'name'), {})).toThrow(labelled);
    expect(() => chartTemplate('a.yaml', 'kind: Role\n', {})).toThrow(/metadata: is needed once/);
  });
});

test('there is one version', () => {
  const read = (path: string) => parse(readFileSync(join(ROOT, path), 'utf8'));
  const { version } = read('package.json');
  expect(read('charts/aegis/Chart.yaml')).toMatchObject({ version, appVersion: version });
  expect(read('config/operator/kustomization.yaml').images).toContainEqual({ name: 'aegis-operator', newTag: version });
});
