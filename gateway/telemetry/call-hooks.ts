import type { ErrorCode } from '../../policy/errors.ts';
import type { Decision } from '../enforcement/decision.ts';

/** What the listeners tell of every call. Given to all of them; none of the functions may throw. */
export interface CallHooks {
  /** Every decision once, also refusals of what is no call of the tool. */
  onDecision?(decision: Decision, info: CallInfo): void;
  /** Once after `onDecision` for every decision of a call that came through the proxy, when its answer has ended. */
  onOutcome?(decision: Decision, outcome: CallOutcome): void;
  /** Every request that was refused before it was a call of a tool: malformed, unknown host or tool, no bundle. */
  onRefused?(refused: RefusedRequest): void;
}

export interface RefusedRequest {
  code: ErrorCode;
  /** What was answered; 0 where nothing could be: TLS had not begun. */
  status: number;
  via: CallInfo['via'];
  /** The host that was asked for, where it is written as one. Nothing else of the request is told. */
  host?: string | undefined;
  /** As the answer has it, where it has one. */
  decisionId?: string;
}

export interface CallInfo {
  /** From the complete request to the decision, with fractions. */
  micros: number;
  /** Which way in: path prefix, port of the tool, forward proxy, HTTP by Host, TLS by server name, decision API, Envoy. */
  via: 'prefix' | 'port' | 'proxy' | 'http' | 'tls' | 'decisions' | 'ext-authz';
  /** As the agent sent it, well-formed (W3C Trace Context section 3.2). For correlation only. */
  traceparent?: string;
}

export interface CallOutcome {
  /** What the agent was answered: the tool's status, or the gateway's own; 0 where the agent was gone before. */
  status: number;
  /** Of the response body. */
  bytes: number;
  /** From the decision to the end of the answer. */
  millis: number;
  /** Why there was no complete answer of the tool, although the call was allowed. */
  error?: ErrorCode;
}

/** W3C Trace Context section 3.2: version 00 as written, later ones may have more; no all-zero ids. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** A usable `traceparent`, else undefined; callers may write anything into it. */
export function validTraceparent(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value.length <= 128 && TRACEPARENT.test(value) ? value : undefined;
}
