import type { Activation } from '../enforcement/activation.ts';
import type { CallInfo } from '../telemetry/call-hooks.ts';
import type { UpstreamTarget } from '../upstream/types.ts';
import type { CallerIdentity } from './proxy-call.ts';
import { refusal, type WayRefusal } from './way-refusal.ts';

/** Who calls which tool, known from the way in alone. */
export interface AttributedCall {
  tool: string;
  /** What follows the tool's base URL in the request target; not yet canonical. */
  target: string;
  caller: CallerIdentity;
  activation: Activation;
  via: Exclude<CallInfo['via'], 'decisions' | 'ext-authz'>;
  /** Where the client itself named the authority. */
  named?: { host: string; upstream: UpstreamTarget };
}

export type Attribution =
  | { ok: true; call: AttributedCall }
  | {
      ok: false;
      refusal: WayRefusal;
      /** The request names a host of no tool, and could be passed on where that is allowed. */
      unknown?: { host: string; port: number; path: string };
      /** The tool is known, and the request is none of its calls. */
      unmapped?: Omit<AttributedCall, 'target' | 'named'>;
    };

/** Who calls: fixed by the host, never taken from the request. */
export interface Callers {
  /** Undefined where nobody, or nobody in particular, has the tool. */
  of(tool: string): CallerIdentity | undefined;
  /** The tools that somebody has; the same array as long as it has not changed. */
  tools(): readonly string[];
}

export function refused(...args: Parameters<typeof refusal>): { ok: false; refusal: WayRefusal } {
  return { ok: false, refusal: refusal(...args) };
}
