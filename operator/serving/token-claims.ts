import { AegisError } from '../../policy/errors.ts';

/** RFC 6750 section 2.1, and long enough for any ServiceAccount token. */
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]{1,8192}=*)$/i;

/** The token of an Authorization header. @throws AegisError `AEGIS_SERVING_UNAUTHENTICATED` */
export function bearerToken(authorization: string | undefined): string {
  const token = BEARER.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new AegisError('AEGIS_SERVING_UNAUTHENTICATED', 'a bearer token is needed');
  return token;
}

/** What a token says of itself. Nobody has verified it: it may only make us stricter. */
export interface UnverifiedClaims {
  audiences: readonly string[];
  /** ms since the epoch. */
  expiresAt?: number;
}

/** undefined: not a JSON Web Token at all, which every ServiceAccount token is. */
export function unverifiedClaims(token: string): UnverifiedClaims | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  let payload: unknown;
  try {
    payload = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { aud, exp } = payload as { aud?: unknown; exp?: unknown };
  const audiences = (Array.isArray(aud) ? aud : [aud]).filter((one): one is string => typeof one === 'string');
  return { audiences, ...(typeof exp === 'number' && Number.isFinite(exp) && { expiresAt: exp * 1000 }) };
}
