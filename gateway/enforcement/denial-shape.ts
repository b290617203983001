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

/**
 * Error bodies that the SDKs of well-known APIs can read, beside the members of RFC 9457, so that an agent's code sees
 * the refusal as the API's own error with our text in it, and does not retry it.
 */
interface Shaped {
  body: Record<string, unknown>;
  headers: string[];
}

type Shaper = (problem: ProblemMembers) => Shaped;

const SHAPERS: Record<DenialContract['shape'], Shaper> = {
  Problem: () => ({ body: {}, headers: [] }),
  // https://docs.stripe.com/api/errors; its SDKs obey Stripe-Should-Retry (stripe-node src/RequestSender.ts).
  Stripe: ({ status, code, detail, type }) => ({
    body: {
      error: {
        type: status === 429 ? 'rate_limit_error' : 'invalid_request_error',
        code: code.toLowerCase(),
        message: detail,
        doc_url: type,
      },
    },
    headers: ['Stripe-Should-Retry', 'false'],
  }),
  // https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
  GitHub: ({ detail, type }) => ({ body: { message: detail, documentation_url: type }, headers: [] }),
  // https://platform.openai.com/docs/guides/error-codes; its SDKs obey x-should-retry.
  OpenAI: ({ code, detail }) => ({
    body: { error: { message: detail, type: 'permission_error', param: null, code: code.toLowerCase() } },
    headers: ['x-should-retry', 'false'],
  }),
  // https://cloud.google.com/apis/design/errors, google.rpc.Status
  Google: ({ status, detail }) => ({
    body: {
      error: { code: status, message: detail, status: status === 429 ? 'RESOURCE_EXHAUSTED' : 'PERMISSION_DENIED' },
    },
    headers: [],
  }),
  // https://api.slack.com/web#responses
  Slack: ({ code }) => ({ body: { ok: false, error: code.toLowerCase() }, headers: [] }),
};

/** Problem members win over the shape's, and both over the contract's own; none of them is ever replaced. */
export function shapeMembers(problem: ProblemMembers, denial: DenialContract | undefined): Shaped {
  if (denial === undefined) return { body: problem, headers: [] };
  const { body, headers } = SHAPERS[denial.shape](problem);
  return { body: { ...denial.members, ...body, ...problem }, headers };
}
