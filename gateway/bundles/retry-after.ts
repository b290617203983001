/** A server may not send us to sleep for longer, ms. */
const MAX = 10 * 60_000;

/** Milliseconds that `Retry-After` (RFC 9110 section 10.2.3) asks for; 0 where it says nothing readable. */
export function retryAfter(value: string | undefined, now: number): number {
  if (value === undefined) return 0;
  const text = value.trim();
  const ms = /^[0-9]{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? 0 : Math.min(MAX, Math.max(0, ms));
}
