import type { ErrorCode } from '../../policy/errors.ts';

/** Why a request was refused before it became a call of a tool. */
export interface WayRefusal {
  code: ErrorCode;
  status: number;
  detail?: string;
  /** Alternating names and values. */
  headers?: string[];
}

export function refusal(code: ErrorCode, status: number, detail?: string, headers?: string[]): WayRefusal {
  return { code, status, ...(detail !== undefined && { detail }), ...(headers !== undefined && { headers }) };
}

/** Type of the problem, after `https://aegis.dev/problems/`. */
export function problemTypeOf({ code, status }: WayRefusal): string {
  if (status === 503) return 'unavailable';
  if (status >= 500 && status !== 501 && status !== 505) return 'upstream-failed';
  return code.startsWith('AEGIS_MAPPING_') && status === 403 ? 'policy-denied' : 'request-refused';
}
