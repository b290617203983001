import type { ErrorCode } from '../../policy/errors.ts';

/** Why a raw request is no tool call. The message names parameters and places, never values. */
export interface MappingRefusal {
  code: Extract<ErrorCode, `AEGIS_MAPPING_${string}`>;
  message: string;
  param?: string;
}

/** Thrown inside the mapping and returned by `mapRequest`; nothing outside the folder sees it. */
export class MappingError extends Error {
  readonly refusal: MappingRefusal;

  constructor(code: MappingRefusal['code'], message: string, param?: string) {
    super(message);
    this.name = 'MappingError';
    this.refusal = { code, message, ...(param !== undefined && { param }) };
  }
}

export function refuse(code: MappingRefusal['code'], message: string, param?: string): never {
  throw new MappingError(code, message, param);
}
