import type { Activation } from './activation.ts';

/** Whether the head in force is older than it may be. Compared so that anything but a number counts as too old. */
export function isStale({ freshness }: Activation): boolean {
  return freshness !== undefined && !(freshness.age() <= freshness.maxStaleness);
}

/** Whether the call must be refused for that: all are, except low-risk reads where the tenant opted in. */
export function tooStale(activation: Activation, call: { agent: string; tool: string; action: string }): boolean {
  return isStale(activation) && activation.freshness?.staleAllows(call.agent, call.tool, call.action) !== true;
}
