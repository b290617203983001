import { type ParseJsonOptions, parseJson } from '../../policy/decision/parse-json.ts';
import { AegisError } from '../../policy/errors.ts';
import { type MappingRefusal, refuse } from './refusal.ts';

/** Bodies may be larger and richer than decision inputs, but no deeper. */
const BODY_LIMITS: ParseJsonOptions = { maxDepth: 32, maxValues: 50_000, file: 'body' };

const CODES: Record<string, MappingRefusal['code']> = {
  AEGIS_INPUT_DUPLICATE_KEY: 'AEGIS_MAPPING_DUPLICATE',
  AEGIS_INPUT_TOO_LARGE: 'AEGIS_MAPPING_TOO_LARGE',
  AEGIS_INPUT_NUMBER: 'AEGIS_MAPPING_MISTYPED',
};

/** A body as JSON, read strictly (see parse-json.ts); its message says where it is wrong, never what stands there. */
export function parseJsonBody(bytes: Uint8Array, maxSize: number): unknown {
  try {
    return parseJson(bytes, { ...BODY_LIMITS, maxSize }).value;
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    return refuse(CODES[error.code] ?? 'AEGIS_MAPPING_BODY', `The JSON body is not acceptable: ${error.message}.`);
  }
}
