/**
 * Statuses by which a tool says that it did not carry out the call and will not (RFC 9110 section 15.5, RFC 6585,
 * RFC 7725): the request was not understood, not permitted, not found, or not taken. Left out on purpose:
 * 402 (a payment may have been tried), 408 and 425 (timing, the tool may have the call), 409 (often: "already done"),
 * 406, 412 and 416 (asked for by headers of the call itself; frameworks find out about the first and the last when the
 * work is done already), 423 and 424 (part of a larger work may be done), and all
 * of 5xx (whether the tool acted is unknown).
 */
const REFUSALS: ReadonlySet<number> = new Set([
  400, 401, 403, 404, 405, 410, 411, 413, 414, 415, 417, 421, 422, 426, 428, 429, 431, 451,
]);

/** True where the budgets of the call may be given back. */
export function definitiveRefusal(status: number): boolean {
  return REFUSALS.has(status);
}
