import type { Reason } from '../../policy/decision/types.ts';
import type { DenialContract } from '../../policy/mapping/contract.ts';

/** Members of a problem (RFC 9457 section 3) and our extensions. */
export interface ProblemMembers {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  decision_id?: string;
  policy?: string;
  rule?: string;
  reasons?: Reason[];
  policy_version?: string;
  retry_after?: number;
  approval?: { status: string };
  [extension: string]: unknown;
}

/** A refusal as it goes over the wire. */
export interface ShapedDenial {
  status: number;
  contentType: string;
  /** Further headers, alternating names and values. */
  headers: string[];
  body: string;
}

const PROBLEM_JSON = 'application/problem+json';
/** Octokit, gaxios and client-go take a body for JSON only under exactly this type. */
const JSON_TYPE = 'application/json';

/**
 * Error bodies that the SDKs of well-known APIs can read, so that an agent's code sees the refusal as the API's own
 * error with our text in it, and does not retry it. A shape either adds members beside those of RFC 9457, or, where
 * the API has a closed or clashing schema, is a document of its own.
 */
type Shape =
  | {
      contentType: string;
      headers?: string[];
      /** Status on the wire, where the API does not speak through it. */
      status?: (status: number) => number;
      members(problem: ProblemMembers): Record<string, unknown>;
    }
  | { contentType: string; document(problem: ProblemMembers, members: Record<string, string>): string };

const SHAPES: Record<DenialContract['shape'], Shape> = {
  Problem: { contentType: PROBLEM_JSON, members: () => ({}) },
  // https://docs.stripe.com/api/errors; its SDKs obey Stripe-Should-Retry (stripe-node src/RequestSender.ts).
  Stripe: {
    contentType: PROBLEM_JSON,
    headers: ['Stripe-Should-Retry', 'false'],
    members: ({ status, code, detail, type }) => ({
      error: {
        type: status === 429 ? 'rate_limit_error' : 'invalid_request_error',
        code: code.toLowerCase(),
        message: detail,
        doc_url: type,
      },
    }),
  },
  // https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
  GitHub: {
    contentType: JSON_TYPE,
    members: ({ detail, type }) => ({ message: detail, documentation_url: type }),
  },
  // https://platform.openai.com/docs/guides/error-codes; its SDKs obey x-should-retry.
  OpenAI: {
    contentType: PROBLEM_JSON,
    headers: ['x-should-retry', 'false'],
    members: ({ code, detail }) => ({
      error: { message: detail, type: 'permission_error', param: null, code: code.toLowerCase() },
    }),
  },
  // https://cloud.google.com/apis/design/errors, google.rpc.Status
  Google: {
    contentType: JSON_TYPE,
    members: ({ status, detail }) => ({
      error: { code: status, message: detail, status: status === 429 ? 'RESOURCE_EXHAUSTED' : 'PERMISSION_DENIED' },
    }),
  },
  // https://api.slack.com/web#responses: errors are 200 with ok: false; its Node SDK retries every other status but 429
  // for half an hour.
  Slack: {
    contentType: JSON_TYPE,
    status: (status) => (status === 429 || status >= 500 ? status : 200),
    members: ({ code }) => ({ ok: false, error: code.toLowerCase() }),
  },
  // https://hl7.org/fhir/R4/operationoutcome.html; strict parsers accept no other members.
  FHIR: { contentType: 'application/fhir+json', document: operationOutcome },
  // https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/: status and code have other types.
  Kubernetes: { contentType: JSON_TYPE, document: kubernetesStatus },
  // https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
  S3: { contentType: 'application/xml', document: s3Error },
};

/** Problem members win over the shape's, and both over the contract's own; none of them is ever replaced. */
export function shapeDenial(problem: ProblemMembers, denial: DenialContract = { shape: 'Problem' }): ShapedDenial {
  const { shape: name, members = {} } = denial;
  const shape = SHAPES[name];
  const { contentType } = shape;
  if ('document' in shape) {
    return { status: problem.status, contentType, headers: [], body: shape.document(problem, members) };
  }
  const body = JSON.stringify({ ...members, ...shape.members(problem), ...problem });
  const status = shape.status?.(problem.status) ?? problem.status;
  return { status, contentType, headers: shape.headers ?? [], body };
}

function operationOutcome({ type, status, code, detail, decision_id: id }: ProblemMembers): string {
  const issue = {
    severity: 'error',
    code: fhirIssueType(status),
    details: { coding: [{ system: type, code }], text: detail },
    diagnostics: id === undefined ? detail : `${detail} (decision ${id})`,
  };
  return JSON.stringify({ resourceType: 'OperationOutcome', issue: [issue] });
}

/** https://hl7.org/fhir/R4/valueset-issue-type.html */
function fhirIssueType(status: number): string {
  if (status === 403) return 'forbidden';
  if (status === 429) return 'throttled';
  if (status >= 500) return 'transient';
  return status === 413 ? 'too-long' : 'invalid';
}

const KUBERNETES_REASONS: Record<number, string> = {
  400: 'BadRequest',
  403: 'Forbidden',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function kubernetesStatus(problem: ProblemMembers, members: Record<string, string>): string {
  const { status, detail, reasons = [], retry_after: wait } = problem;
  return JSON.stringify({
    ...members,
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: detail,
    reason: KUBERNETES_REASONS[status] ?? 'InternalError',
    code: status,
    details: {
      causes: reasons.map(({ code, message, param }) => ({
        reason: code,
        message,
        ...(param !== undefined && { field: param }),
      })),
      ...(wait !== undefined && { retryAfterSeconds: wait }),
    },
    // unknown to Kubernetes' own clients, which ignore it
    problem,
  });
}

function s3Error(problem: ProblemMembers): string {
  const { status, code, detail, decision_id: id = '' } = problem;
  const elements = { Code: s3Code(status), Message: detail, RequestId: id, AegisCode: code };
  const content = Object.entries(elements).map(([name, text]) => `<${name}>${xmlText(text)}</${name}>`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content.join('')}</Error>`;
}

function s3Code(status: number): string {
  if (status === 403) return 'AccessDenied';
  if (status === 429) return 'SlowDown';
  if (status === 413) return 'EntityTooLarge';
  return status >= 500 ? 'ServiceUnavailable' : 'InvalidRequest';
}

/** XML 1.0 section 2.4, without the characters that section 2.2 excludes. */
function xmlText(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
