import type { Finding, Severity } from '../errors.ts';
import type { FieldPath, Resource } from '../resources/resource.ts';
import { AEGIS_GROUP, AEGIS_KINDS, groupOf } from './api-group.ts';
import type { LoadResult } from './load-result.ts';
import type { Locator } from './locator.ts';
import type { DocumentSpan } from './split-documents.ts';

/** Where a value came from. */
interface Origin {
  locator: Locator;
  span: DocumentSpan;
}

/** Appends the resource that `value` is, or the items of the list that it is, or why it is neither. */
export function expandResources(value: unknown, file: string, origin: Origin, result: LoadResult): void {
  if (isRecord(value) && isList(value)) {
    (value.items as unknown[]).forEach((item, index) => {
      addResource(item, ['items', index], file, origin, result);
    });
    return;
  }
  addResource(value, [], file, origin, result);
}

/**
 * True where `value` is plainly a resource of another group, which is then reported as skipped. A list may hold ours,
 * and one of our kinds in another group is a typo that the caller must report in full.
 */
export function skipForeign(value: unknown, origin: Origin, result: LoadResult): boolean {
  if (!isRecord(value) || !isFilled(value.apiVersion) || !isFilled(value.kind) || isList(value)) return false;
  if (groupOf(value.apiVersion) === AEGIS_GROUP || AEGIS_KINDS.has(value.kind)) return false;
  const message = `${value.kind.slice(0, 63)} of ${value.apiVersion.slice(0, 80)} is skipped.`;
  const location = origin.locator.value(origin.span, []);
  result.findings.push({ code: 'AEGIS_RESOURCE_FOREIGN', severity: 'info', message, location });
  return true;
}

/** `kind: List`, and what `kubectl get -o yaml` or a client writes: `AgentPolicyList`. */
function isList(value: Record<string, unknown>): boolean {
  return typeof value.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items);
}

function addResource(value: unknown, base: FieldPath, file: string, origin: Origin, result: LoadResult): void {
  const locate = (path: FieldPath) => origin.locator.value(origin.span, [...base, ...path]);
  const locateKey = (path: FieldPath) => origin.locator.key(origin.span, [...base, ...path]);
  const wrong = shapeProblem(value, file);
  if (wrong === undefined) {
    result.resources.push({ object: value as Resource, locate, locateKey });
    return;
  }
  const finding: Finding = {
    code: wrong.severity === 'info' ? 'AEGIS_RESOURCE_FOREIGN' : 'AEGIS_RESOURCE_SHAPE',
    severity: wrong.severity,
    message: wrong.message,
    location: locate(wrong.path),
  };
  if (wrong.path.length > 0) finding.field = wrong.path.join('.');
  result.findings.push(finding);
}

interface ShapeProblem {
  message: string;
  path: string[];
  severity: Severity;
}

function shapeProblem(value: unknown, file: string): ShapeProblem | undefined {
  const error = (message: string, ...path: string[]): ShapeProblem => ({ message, path, severity: 'error' });
  if (!isRecord(value)) return error('A resource must be a mapping.');
  // Kustomize reads this file name only; it may leave out apiVersion, kind and metadata.
  if (/(?:^|\/)(?:kustomization\.ya?ml|Kustomization)$/.test(file) && groupOf(value.apiVersion) !== AEGIS_GROUP) {
    return { message: 'A kustomization is skipped.', path: [], severity: 'info' };
  }
  if (!isFilled(value.apiVersion)) return error('apiVersion must be a string.', 'apiVersion');
  if (!isFilled(value.kind)) return error('kind must be a string.', 'kind');
  if (value.kind.endsWith('List') && 'items' in value) return error('A list cannot stand here.', 'kind');
  const metadata = value.metadata;
  if (groupOf(value.apiVersion) !== AEGIS_GROUP && (!isRecord(metadata) || !isFilled(metadata.name))) {
    const message = `${value.kind.slice(0, 63)} has no metadata.name and is not of ${AEGIS_GROUP}; it is skipped.`;
    return { message, path: [], severity: 'info' };
  }
  if (!isRecord(metadata)) return error('metadata must be a mapping.', 'metadata');
  if (!isFilled(metadata.name)) return error('metadata.name must be a string.', 'metadata', 'name');
  const namespace = metadata.namespace;
  if (namespace === null) delete metadata.namespace;
  else if (namespace !== undefined && !isFilled(namespace)) {
    return error('metadata.namespace must be a string.', 'metadata', 'namespace');
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFilled(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
