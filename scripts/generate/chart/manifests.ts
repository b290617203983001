import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SETTINGS } from '../../../operator/config/settings.ts';

/** Where the copies are, in the chart. What stands beside this folder is written by hand. */
export const COPIES = 'charts/aegis/templates/from-config';

interface Source {
  /** Folder, from the root: all its manifests; or one manifest. */
  path: string;
  /** Condition under which the chart has it. */
  when?: string;
  /** Annotations, as template lines at the depth of `metadata`. */
  annotations?: string;
}

const WEBHOOK_ANNOTATIONS = `  {{- with .Values.webhooks.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}`;

/** With a definition all its objects are deleted: neither Helm nor Argo CD may do that because a release changes. */
const KEEP = `  annotations:
    argocd.argoproj.io/sync-options: Prune=false
    helm.sh/resource-policy: keep`;

/** The Deployment and the NetworkPolicy are no copies: most of what they say can be changed by values. */
const SOURCES: readonly Source[] = [
  { path: 'crds', when: '.Values.crds.install', annotations: KEEP },
  { path: 'config/rbac' },
  { path: 'config/admission-policies' },
  { path: 'config/webhook/validating-webhook.yaml', annotations: WEBHOOK_ANNOTATIONS },
  { path: 'config/webhook/pod-webhooks.yaml', when: '.Values.injection.enabled', annotations: WEBHOOK_ANNOTATIONS },
  { path: 'config/operator/service-account.yaml' },
  { path: 'config/operator/services.yaml' },
  // with one replica it would only keep nodes from being drained
  { path: 'config/operator/disruption-budget.yaml', when: 'gt (int .Values.replicas) 1' },
];

/** What the plain manifests fix and the chart does not. */
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/\baegis-system\b/g, '{{ .Release.Namespace }}'],
  [new RegExp(`\\b${SETTINGS['injection.uid'].default}\\b`, 'g'), '{{ int64 .Values.injection.uid }}'],
  // CEL text: quotes within quotes
  [/(- name: gatewayImage\n +expression: "')[^']*/g, '$1{{ include "aegis.gatewayRepository" . }}'],
];

/** Of objects that kustomize only reads from. */
const LOCAL = /^ {4}config\.kubernetes\.io\/local-config: 'true'$/m;
const PART_OF = 'app.kubernetes.io/part-of: aegis';
const LABELS = '    {{- include "aegis.labels" . | nindent 4 }}';

/** Templates of the chart by path from the root. */
export function chartTemplates(root: string): Map<string, string> {
  const templates = new Map<string, string>();
  for (const source of SOURCES) {
    for (const path of manifestsOf(root, source.path)) {
      const manifest = readFileSync(join(root, path), 'utf8');
      if (LOCAL.test(manifest)) continue;
      templates.set(`${COPIES}/${path.replace(/^config\//, '')}`, chartTemplate(path, manifest, source));
    }
  }
  return templates;
}

function manifestsOf(root: string, path: string): string[] {
  if (path.endsWith('.yaml')) return [path];
  if (!existsSync(join(root, path))) return [];
  const files = readdirSync(join(root, path)).filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml');
  return files.sort().map((name) => `${path}/${name}`);
}

/**
 * One manifest as a template.
 * @throws Error where an object has no labels to add to
 */
export function chartTemplate(path: string, manifest: string, { when, annotations }: Omit<Source, 'path'>): string {
  let text = manifest.trim().replaceAll('{{', '{{ "{{" }}');
  for (const [pattern, replacement] of REPLACEMENTS) text = text.replace(pattern, replacement);
  const objects = text.split('\n---\n').map((object) => withMetadata(path, object, annotations));
  const head = `{{- /* Made from ${path} by node scripts/generate.ts */ -}}`;
  const body = `${objects.join('\n---\n')}\n`;
  return when === undefined ? `${head}\n${body}` : `${head}\n{{- if ${when} }}\n${body}{{- end }}\n`;
}

function withMetadata(path: string, object: string, annotations: string | undefined): string {
  const [before, after, ...more] = object.split(/^metadata:$/m);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`${path}: metadata: is needed once`);
  // definitions say nothing but their name
  const labelled = /^ {2}labels:$/m.test(after) ? after : after.replace('\n', `\n  labels:\n    ${PART_OF}\n`);
  if (!labelled.includes(`\n    ${PART_OF}\n`)) throw new Error(`${path}: the label ${PART_OF} is missing`);
  const annotated = annotations === undefined ? '' : `\n${annotations}`;
  return `${before}metadata:${annotated}${labelled.replace(`\n    ${PART_OF}\n`, `\n    ${PART_OF}\n${LABELS}\n`)}`;
}
