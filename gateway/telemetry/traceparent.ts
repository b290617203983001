import { validTraceparent } from './call-hooks.ts';

/** W3C Trace Context section 3.2. What a caller sends is for correlation only. */
export interface TraceParent {
  /** 32 hexadecimal digits. */
  traceId: string;
  /** 16 hexadecimal digits. */
  spanId: string;
}

export function parseTraceparent(text: string | undefined): TraceParent | undefined {
  if (validTraceparent(text) === undefined) return undefined;
  const [, traceId, spanId] = (text as string).split('-');
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId };
}
