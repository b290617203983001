import { type ParseJsonOptions, parseJson } from '../../policy/decision/parse-json.ts';
import { AegisError } from '../../policy/errors.ts';
import { type MappingRefusal, refuse } from './refusal.ts';

/** Bodies may be richer than decision inputs, but no deeper; how large, the caller has checked. */
const BODY_LIMITS: ParseJsonOptions = {
  maxSize: Number.MAX_SAFE_INTEGER,
  maxDepth: 32,
  maxValues: 50_000,
  file: 'body',
};

const CODES: Record<string, MappingRefusal['code']> = {
  AEGIS_INPUT_DUPLICATE_KEY: 'AEGIS_MAPPING_DUPLICATE',
  AEGIS_INPUT_TOO_LARGE: 'AEGIS_MAPPING_TOO_LARGE',
  AEGIS_INPUT_NUMBER: 'AEGIS_MAPPING_MISTYPED',
};

/** A body as JSON, read strictly (see parse-json.ts); its message says where it is wrong, never what stands there. */
export function parseJsonBody(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes, BODY_LIMITS).value;
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    return refuse(CODES[error.code] ?? 'AEGIS_MAPPING_BODY', `The JSON body is not acceptable: ${error.message}.`);
  }
}
