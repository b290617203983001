import { AegisError } from '../../policy/errors.ts';
import type { KubeObject } from '../kube/types.ts';

/** As much of an AdmissionRequest (admission.k8s.io/v1) as decides. */
export interface AdmissionRequest {
  uid: string;
  operation: string;
  /** Of the object, also where it does not say it itself; absent for what is in none. */
  namespace?: string;
  /** Absent for the object itself. */
  subResource?: string;
  dryRun?: boolean;
  /** Absent for DELETE. */
  object?: KubeObject;
  /** Absent for CREATE. */
  oldObject?: KubeObject;
}

export interface AdmissionResponse {
  uid: string;
  allowed: boolean;
  /** Shown to whoever applies the resource. */
  status?: { code: number; reason: string; message: string };
  warnings?: string[];
  patchType?: 'JSONPatch';
  /** RFC 6902, base64. */
  patch?: string;
}

const API_VERSION = 'admission.k8s.io/v1';
const KIND = 'AdmissionReview';

/** @throws AegisError AEGIS_ADMISSION_REVIEW */
export function readReview(body: unknown): AdmissionRequest {
  if (!isRecord(body) || body.apiVersion !== API_VERSION || body.kind !== KIND || !isRecord(body.request)) {
    throw new AegisError('AEGIS_ADMISSION_REVIEW', `The body must be an ${KIND} of ${API_VERSION} with a request.`);
  }
  const { uid, operation, namespace, subResource, dryRun, object, oldObject } = body.request;
  if (typeof uid !== 'string' || uid === '' || typeof operation !== 'string') {
    throw new AegisError('AEGIS_ADMISSION_REVIEW', 'The request has no uid or no operation.');
  }
  return {
    uid,
    operation,
    ...(typeof namespace === 'string' && namespace !== '' && { namespace }),
    ...(typeof subResource === 'string' && subResource !== '' && { subResource }),
    ...(dryRun === true && { dryRun }),
    ...present('object', object),
    ...present('oldObject', oldObject),
  };
}

export function writeReview(response: AdmissionResponse): object {
  return { apiVersion: API_VERSION, kind: KIND, response };
}

function present(name: 'object' | 'oldObject', value: unknown): Partial<AdmissionRequest> {
  if (value === null || value === undefined) return {};
  const shaped = isRecord(value) && typeof value.kind === 'string' && isRecord(value.metadata);
  if (!shaped) throw new AegisError('AEGIS_ADMISSION_REVIEW', `The ${name} of the request is no object.`);
  return { [name]: value };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
