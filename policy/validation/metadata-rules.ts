import type { FieldPath, LoadedResource } from '../resources/resource.ts';
import { findingAt } from './finding-builder.ts';
import type { PlacedFinding } from './schema-rules.ts';
import { suggestName } from './suggest-name.ts';

/** Fields of `metav1.ObjectMeta`. */
const FIELDS = [
  'name',
  'namespace',
  'labels',
  'annotations',
  'generateName',
  'finalizers',
  'ownerReferences',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'selfLink',
];

/** Those that people write. */
const COMMON = FIELDS.slice(0, 4);

const DNS_LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const QUALIFIED_NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;
const ANNOTATIONS_LIMIT = 256 * 1024;

/** Name, namespace, labels and annotations as the API server accepts them. */
export function checkMetadata(resource: LoadedResource, scope: 'Namespaced' | 'Cluster'): PlacedFinding[] {
  const metadata = resource.object.metadata as unknown as Record<string, unknown>;
  const found: PlacedFinding[] = [];
  const report = (path: FieldPath, message: string, fix?: string) =>
    found.push({ path, finding: findingAt(resource, 'AEGIS_METADATA', path, message, fix) });
  checkName(metadata.name, report);
  checkNamespace(metadata.namespace, scope, report);
  checkTexts(metadata.labels, 'labels', report);
  checkTexts(metadata.annotations, 'annotations', report);
  return found;
}

/** Fields that ObjectMeta does not have; the API server drops them. */
export function findUnknownMetadata(resource: LoadedResource): PlacedFinding[] {
  const unknown = Object.keys(resource.object.metadata).filter((name) => !FIELDS.includes(name));
  return unknown.map((name) => {
    const path = ['metadata', name];
    const suggestion = suggestName(name, COMMON);
    const hint =
      suggestion === undefined ? `Fields for you here: ${COMMON.join(', ')}.` : `Did you mean ${suggestion}?`;
    const message = `there is no field ${name.slice(0, 60)} here`;
    const finding = findingAt(resource, 'AEGIS_UNKNOWN_FIELD', path, message, hint);
    return { path, finding: { ...finding, location: resource.locateKey(path) } };
  });
}

type Report = (path: FieldPath, message: string, fix?: string) => void;

function checkName(name: unknown, report: Report): void {
  const path = ['metadata', 'name'];
  if (typeof name !== 'string' || name === '') report(path, 'the resource has no name');
  else if (name.length > 253) report(path, `name has ${name.length} characters, at most 253 are accepted`);
  else if (!DNS_SUBDOMAIN.test(name)) {
    report(path, `name is ${show(name)}, but must be lower-case letters, digits, "-" and "." (a DNS subdomain)`);
  }
}

function checkNamespace(namespace: unknown, scope: 'Namespaced' | 'Cluster', report: Report): void {
  const path = ['metadata', 'namespace'];
  if (namespace === undefined) return;
  if (scope === 'Cluster') {
    report(path, 'this kind belongs to the cluster and has no namespace', 'Remove namespace.');
  } else if (typeof namespace !== 'string' || namespace.length > 63 || !DNS_LABEL.test(namespace)) {
    report(path, `namespace is ${show(namespace)}, but must be a DNS label of at most 63 characters`);
  }
}

function checkTexts(value: unknown, field: 'labels' | 'annotations', report: Report): void {
  if (value === undefined) return;
  const path = ['metadata', field];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report(path, `${field} must be a mapping of names to text`, 'Write a mapping, or remove the field.');
    return;
  }
  let size = 0;
  for (const [key, text] of Object.entries(value)) {
    size += key.length + String(text).length;
    if (!isQualifiedName(key)) report([...path, key], `${show(key)} is not a valid name of ${field.slice(0, -1)}`);
    if (typeof text !== 'string') {
      report([...path, key], `${key} must be text`, `Put it in quotes: "${String(text)}".`);
    } else if (field === 'labels' && !(text === '' || (text.length <= 63 && QUALIFIED_NAME.test(text)))) {
      report(
        [...path, key],
        `${key} is ${show(text)}, but a label value has at most 63 letters, digits, "-", "_" and "."`,
      );
    }
  }
  if (field === 'annotations' && size > ANNOTATIONS_LIMIT) report(path, 'annotations are larger than 256 KiB together');
}

/** `name` or `prefix/name`, as keys of labels and annotations. */
function isQualifiedName(key: string): boolean {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  if (parts.length > 1 || name.length > 63 || !QUALIFIED_NAME.test(name)) return false;
  const [prefix] = parts;
  return prefix === undefined || (prefix.length <= 253 && DNS_SUBDOMAIN.test(prefix.toLowerCase()));
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
