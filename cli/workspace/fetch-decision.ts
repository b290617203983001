/** Asks a running gateway about one of its recent decisions. */
import type { Reason, Verdict } from '../../policy/decision/types.ts';
import { VERDICTS } from '../../policy/decision/types.ts';
import { AegisError } from '../../policy/errors.ts';

/** A decision as `GET /v1/decisions/{id}` shows it: no parameters, no chain. */
export interface StoredDecision {
  decision_id: string;
  time: string;
  tenant: string;
  sequence: number;
  agent: string;
  tool: string;
  action: string;
  verdict: Verdict;
  taken: Verdict;
  reasons: Reason[];
}

const TIMEOUT = 5000;
const MAX_LENGTH = 1024 * 1024;

/** @throws AegisError AEGIS_SERVER_UNREACHABLE, AEGIS_DECISION_UNKNOWN, AEGIS_USAGE */
export async function fetchDecision(server: string, id: string): Promise<StoredDecision> {
  const url = URL.canParse(server) ? new URL(`/v1/decisions/${id}`, server) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new AegisError('AEGIS_USAGE', '--server takes an address such as http://127.0.0.1:8181.');
  }
  const { status, text } = await get(url);
  if (status === 404) {
    throw new AegisError('AEGIS_DECISION_UNKNOWN', `${url.origin} does not remember the decision ${id}.`);
  }
  const decision = status === 200 ? parsed(text) : undefined;
  if (decision === undefined) {
    throw new AegisError('AEGIS_SERVER_UNREACHABLE', `${url.origin} answered ${status}, not with a decision.`);
  }
  return decision;
}

async function get(url: URL): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) });
    return { status: response.status, text: (await response.text()).slice(0, MAX_LENGTH) };
  } catch (cause) {
    throw new AegisError('AEGIS_SERVER_UNREACHABLE', `${url.origin} does not answer.`, { cause });
  }
}

const TEXTS = ['decision_id', 'time', 'tenant', 'agent', 'tool', 'action'] as const;

function parsed(text: string): StoredDecision | undefined {
  let value: Partial<StoredDecision> | null;
  try {
    value = JSON.parse(text) as Partial<StoredDecision> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || TEXTS.some((name) => typeof value[name] !== 'string'))
    return undefined;
  const verdicts = [value.verdict, value.taken].every((each) => VERDICTS.includes(each as Verdict));
  const reasons = Array.isArray(value.reasons) && value.reasons.every(isReason);
  return verdicts && reasons && typeof value.sequence === 'number' ? (value as StoredDecision) : undefined;
}

function isReason(value: unknown): value is Reason {
  const { code, message, policy, rule, param } = (value ?? {}) as Record<string, unknown>;
  const optional = [policy, rule, param].every((each) => each === undefined || typeof each === 'string');
  return typeof code === 'string' && typeof message === 'string' && optional;
}
