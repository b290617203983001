/** What the chart renders, without a cluster. `AEGIS_UPDATE_GOLDEN=1` writes the goldens anew. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { COPIES, chartTemplate, chartTemplates } from '../../scripts/generate/chart/manifests.ts';
import { installed } from '../apiserver/processes.ts';
import { CHART, FULL, helm, type Manifest, manifestsIn, named, nameOf, ROOT, render } from './helm.ts';

/** Templates that are no copies. */
const OWN = ['deployment', 'network-policy', 'service-monitor'].map((name) => `templates/${name}.yaml`);

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
