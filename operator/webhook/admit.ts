import { isDeepStrictEqual } from 'node:util';
import { checkResource } from '../../policy/compiler/check-resource.ts';
import type { CheckOptions } from '../../policy/compiler/check-severity.ts';
import type { Finding } from '../../policy/errors.ts';
import { describeResource, type Resource } from '../../policy/resources/resource.ts';
import type { KubeObject } from '../kube/types.ts';
import { loadedObject } from '../model/loaded-object.ts';
import { validateObject } from '../model/validate-object.ts';
import type { AdmissionRequest, AdmissionResponse } from './admission-review.ts';
import { denialText, warningTexts } from './finding-text.ts';
import type { ResourcesAround } from './resources-around.ts';

export interface AdmitDeps {
  resources: ResourcesAround;
  check: CheckOptions;
}

export const KINDS: ReadonlySet<string> = new Set(['AgentPolicy', 'AgentRegistration', 'AgentTool', 'AgentTenant']);

/** 422, because the request is well-formed and what it says is not acceptable. */
const UNPROCESSABLE = 422;

/** Decides, without any side effect, so that a dry run is answered like any other request. */
export function admit(request: AdmissionRequest, deps: AdmitDeps): AdmissionResponse {
  const { uid, operation, subResource, object, oldObject } = request;
  const asked = operation === 'CREATE' || operation === 'UPDATE';
  if (!asked || subResource !== undefined || object === undefined || !KINDS.has(object.kind)) {
    return { uid, allowed: true };
  }
  // What is being deleted must be able to lose its finalizers, whatever it says.
  if (object.metadata.deletionTimestamp !== undefined) return { uid, allowed: true };
  const findings = findingsOf(object, oldObject, deps);
  const errors = findings.filter(({ severity }) => severity === 'error');
  const warnings = findings.filter(({ severity }) => severity === 'warning');
  if (errors.length === 0) return allowed(uid, warnings);
  if (oldObject !== undefined && sameContent(object, oldObject)) return allowed(uid, [unchanged(object, errors)]);
  const status = { code: UNPROCESSABLE, reason: 'Invalid', message: denialText(errors) };
  return { uid, allowed: false, status, ...withWarnings(warnings) };
}

function findingsOf(object: KubeObject, old: KubeObject | undefined, { resources, check }: AdmitDeps): Finding[] {
  const loaded = loadedObject(object);
  const alone = validateObject(loaded, old === undefined ? {} : { old: old as Resource });
  if (alone.some(({ severity }) => severity === 'error')) return alone;
  if (resources.synced) {
    return [...alone, ...checkResource(loaded, resources.around(object.metadata.namespace), check)];
  }
  const message = 'The operator is starting; this was not compared with the other resources of its tenant.';
  return [...alone, { code: 'AEGIS_ADMISSION_PARTIAL', severity: 'warning', message }];
}

/** Labels, annotations and finalizers of a resource can be changed whatever its spec says. */
function sameContent(object: KubeObject, old: KubeObject): boolean {
  return isDeepStrictEqual(contentOf(object), contentOf(old));
}

function contentOf(object: KubeObject): unknown {
  const { apiVersion: _, metadata: __, status: ___, ...content } = object as Resource;
  return content;
}

function unchanged(object: KubeObject, errors: readonly Finding[]): Finding {
  const [first] = errors;
  const message = `${describeResource(loadedObject(object))} is not valid: ${first?.code} ${first?.message ?? ''}`;
  const finding: Finding = {
    code: 'AEGIS_ADMISSION_UNCHANGED',
    severity: 'warning',
    message,
    fix: 'Correct its spec.',
  };
  return first?.field === undefined ? finding : { ...finding, field: first.field };
}

function allowed(uid: string, warnings: readonly Finding[]): AdmissionResponse {
  return { uid, allowed: true, ...withWarnings(warnings) };
}

function withWarnings(findings: readonly Finding[]): { warnings?: string[] } {
  return findings.length === 0 ? {} : { warnings: warningTexts(findings) };
}
