import type { LimitRefusal, LimitState } from './limit-store.ts';
import { calendarPeriod, windowSeconds } from './limit-window.ts';
import { wholeUnits } from './nanos.ts';

/** The RateLimit-Policy and RateLimit fields (draft-ietf-httpapi-ratelimit-headers). */

/** RFC 9651 section 3.3.1: an integer has fifteen digits at most. */
const MOST = 999_999_999_999_999;

/** RFC 9651 string: printable ASCII; ids have nothing else, but a header is no place to find out. */
function quoted(text: string): string {
  return `"${text.replace(/[^ -~]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}

function units(nanos: bigint): number {
  return Math.min(MOST, wholeUnits(nanos));
}

/** Whole seconds until the amount fits, at least one and never more than the window. */
export function secondsUntil({ retryAfter, window }: LimitRefusal, now: number): number {
  return Math.min(Math.max(1, Math.ceil(retryAfter / 1000)), windowSeconds(window, now));
}

/** `t`: when more is left. For a sliding window this is known where it refused; before, some may come back any time. */
function resetOf(limit: LimitState | LimitRefusal, now: number): string {
  if ('retryAfter' in limit) return `;t=${secondsUntil(limit, now)}`;
  if (limit.window.kind === 'sliding') return '';
  return `;t=${Math.max(1, Math.ceil((calendarPeriod(limit.window.unit, now).end - now) / 1000))}`;
}

/**
 * Alternating names and values, for `writeHead`: the quota of each limit and what is left of it. For a refusal give
 * `decision.limits`, for a call that passed `decision.reservation?.limits`. Budgets count in whole policy units.
 */
export function rateLimitFields(limits: readonly (LimitState | LimitRefusal)[], now: number): string[] {
  if (limits.length === 0) return [];
  const policies = limits.map(({ id, max, window }) => `${quoted(id)};q=${units(max)};w=${windowSeconds(window, now)}`);
  const left = limits.map((limit) => `${quoted(limit.id)};r=${units(limit.remaining)}${resetOf(limit, now)}`);
  return ['RateLimit-Policy', policies.join(', '), 'RateLimit', left.join(', ')];
}
