import { AegisError, type ErrorCode } from '../../policy/errors.ts';
import { errorName } from '../../runtime/telemetry/logger.ts';
import type { Problem } from '../status/views.ts';
import type { PassOutcome } from './tenant-session.ts';

export type TenantProblem = Problem;

/** Only a change of keys or resources helps with these; everything else may pass by itself. */
const TERMINAL: Readonly<Partial<Record<ErrorCode, string>>> = {
  AEGIS_SIGNING_KEY_REVOKED: 'SigningKeyUnavailable',
  AEGIS_SIGNING_KEYS: 'SigningKeyUnavailable',
  AEGIS_BUNDLE_TOO_LARGE: 'TooLarge',
};

/** What kept a pass from committing what it had worked out; undefined: nothing. */
export function problemOf({ plan: { held }, failure }: PassOutcome): TenantProblem | undefined {
  if (held.length > 0) {
    const message = `${held.slice(0, 3).join(', ')} cannot be compiled any more; the last bundle stays in force.`;
    return { condition: 'Compiled', reason: 'Held', message, terminal: true };
  }
  if (failure === undefined) return undefined;
  const code = failure instanceof AegisError ? failure.code : undefined;
  const terminal = code === undefined ? undefined : TERMINAL[code];
  return {
    condition: 'BundlePublished',
    reason: terminal ?? 'StoreUnavailable',
    message: `The bundle cannot be committed now (${code ?? errorName(failure)}); the last one stays in force.`,
    terminal: terminal !== undefined,
  };
}
