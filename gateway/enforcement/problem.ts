import type { Reason } from '../../policy/decision/types.ts';
import { ERRORS, type ErrorCode } from '../../policy/errors.ts';
import type { DenialContract } from '../../policy/mapping/contract.ts';
import { rateLimitFields, secondsUntil } from '../limits/rate-limit-fields.ts';
import type { Decision } from './decision.ts';
import { type ProblemMembers, shapeDenial } from './denial-shape.ts';

/**
 * Refusals as `application/problem+json` (RFC 9457). They say which rule refused and why, and never hold a parameter
 * value: a denial is read by the agent, and by whatever logs the agent keeps.
 */
export interface ProblemResponse {
  status: number;
  /** Alternating names and values, for `writeHead`. */
  headers: string[];
  body: string;
}

export const PROBLEM_TYPES = 'https://aegis.dev/problems/';
/** Without approvals in this gateway, asking again soon changes nothing. */
const APPROVAL_RETRY_SECONDS = 60;
const UNAVAILABLE_RETRY_SECONDS = 5;

/** Serialises a problem, in the tool's own shape as well where the contract names one. */
export function renderProblem(
  members: ProblemMembers,
  options: { denial?: DenialContract | undefined; headers?: string[] } = {},
): ProblemResponse {
  const { status, contentType, headers: shaped, body } = shapeDenial(members, options.denial);
  const headers = ['Content-Type', contentType, 'Cache-Control', 'no-store'];
  if (members.decision_id !== undefined) headers.push('Aegis-Decision-Id', members.decision_id);
  if (members.retry_after !== undefined) headers.push('Retry-After', String(members.retry_after));
  headers.push(...(options.headers ?? []), ...shaped);
  return { status, headers, body };
}

/** A reason as it leaves the gateway: the named members only. */
function publicReason({ code, message, policy, rule, param }: Reason): Reason {
  return {
    code,
    message,
    ...(policy !== undefined && { policy }),
    ...(rule !== undefined && { rule }),
    ...(param !== undefined && { param }),
  };
}

const KINDS = {
  deny: { type: 'policy-denied', title: 'Denied by policy', status: 403 },
  approval_needed: { type: 'approval-required', title: 'Approval required', status: 403 },
  rate_limited: { type: 'rate-limited', title: 'Limit reached', status: 429 },
} as const;

/** Not the call is at fault (RFC 9110 section 15.6.4). */
const UNAVAILABLE: Partial<Record<string, { type: string; title: string; status: number }>> = {
  BUNDLE_STALE: { type: 'unavailable', title: 'The policy is out of date', status: 503 },
  LIMITS_UNAVAILABLE: { type: 'unavailable', title: 'The limits cannot be kept', status: 503 },
  LOG_UNAVAILABLE: { type: 'unavailable', title: 'The decision log cannot be written', status: 503 },
};

function kindOf({ taken, reasons }: Decision) {
  const unavailable = taken === 'deny' ? UNAVAILABLE[reasons[0]?.code ?? ''] : undefined;
  return unavailable ?? KINDS[taken as keyof typeof KINDS] ?? KINDS.deny;
}

/** The denial of a decided call that does not pass. */
export function problemOf(decision: Decision, denial?: DenialContract): ProblemResponse {
  const kind = kindOf(decision);
  const reasons = decision.reasons.map(publicReason);
  const named = reasons.find(({ policy }) => policy !== undefined);
  const limits = decision.taken === 'rate_limited' ? (decision.limits ?? []) : [];
  const wait = Math.max(0, ...limits.map((limit) => secondsUntil(limit, decision.at)));
  const members: ProblemMembers = {
    type: PROBLEM_TYPES + kind.type,
    title: kind.title,
    status: kind.status,
    detail: reasons.map(({ message }) => message).join(' ') || kind.title,
    code: reasons[0]?.code ?? 'DENIED',
    decision_id: decision.id,
    ...(named?.policy !== undefined && { policy: named.policy }),
    ...(named?.rule !== undefined && { rule: named.rule }),
    reasons,
    policy_version: String(decision.sequence),
    ...(limits.length > 0 && { retry_after: wait }),
    ...(kind.status === 503 && { retry_after: UNAVAILABLE_RETRY_SECONDS }),
    ...(decision.taken === 'approval_needed' && {
      retry_after: APPROVAL_RETRY_SECONDS,
      approval: { status: decision.approval?.status ?? 'unavailable' },
    }),
  };
  return renderProblem(members, { denial, headers: rateLimitFields(limits, decision.at) });
}

/** A refusal that is no decision of a policy: a registered code with its summary, and a status. */
export function problemFor(
  code: ErrorCode,
  status: number,
  options: {
    type: string;
    detail?: string;
    decisionId?: string;
    denial?: DenialContract;
    reasons?: Reason[];
    sequence?: number;
  },
): ProblemResponse {
  const { summary } = ERRORS[code];
  return renderProblem(
    {
      type: PROBLEM_TYPES + options.type,
      title: summary,
      status,
      detail: options.detail ?? summary,
      code,
      ...(options.decisionId !== undefined && { decision_id: options.decisionId }),
      ...(options.reasons !== undefined && { reasons: options.reasons }),
      ...(options.sequence !== undefined && { policy_version: String(options.sequence) }),
      ...(status === 503 && { retry_after: UNAVAILABLE_RETRY_SECONDS }),
    },
    { denial: options.denial },
  );
}
