import { AegisError } from '../errors.ts';
import { canonicalJsonBytes } from './canonical-json.ts';
import type { CryptoProvider } from './crypto-provider.ts';
import { fromBase64Url, toBase64Url, utf8 } from './encoding.ts';
import { readJson } from './json-reader.ts';
import type { SigningKey } from './keys.ts';
import { isRecord } from './record.ts';

/** JWS compact serialisation (RFC 7515 section 7.1) with EdDSA over Ed25519 (RFC 8037 section 3.1). */
export function signJws(payload: unknown, key: SigningKey, crypto: CryptoProvider): string {
  const header = canonicalJsonBytes({ alg: 'EdDSA', kid: key.keyId, typ: 'JWT' });
  const signed = `${toBase64Url(header)}.${toBase64Url(canonicalJsonBytes(payload))}`;
  return `${signed}.${toBase64Url(crypto.sign(key.seed, utf8(signed)))}`;
}

export interface ParsedJws {
  /** `kid` of the header, an untrusted hint at the key. */
  readonly keyId: string | undefined;
  readonly payload: Uint8Array;
  verify(publicKey: Uint8Array, crypto: CryptoProvider): boolean;
}

/**
 * Takes a compact JWS apart. The algorithm is EdDSA because our keys are Ed25519 keys: a header that says anything
 * else (`none`, HS256 …) is refused, never obeyed; so are `crit`, `jwk` and every other member.
 * @throws AegisError `AEGIS_BUNDLE_ALGORITHM`, `AEGIS_BUNDLE_SIGNATURE_INVALID`, `AEGIS_BUNDLE_SIGNATURE_MISSING`.
 */
export function parseJws(token: string): ParsedJws {
  const parts = token.split('.');
  const [header, payload, signature] = parts.map(fromBase64Url);
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the JWT is not three parts of base64url');
  }
  const keyId = readHeader(header);
  if (signature.length === 0) throw new AegisError('AEGIS_BUNDLE_SIGNATURE_MISSING', 'the JWT has an empty signature');
  const signed = utf8(`${parts[0]}.${parts[1]}`);
  return { keyId, payload, verify: (publicKey, crypto) => crypto.verifyEd25519(publicKey, signed, signature) };
}

function readHeader(bytes: Uint8Array): string | undefined {
  let header: unknown;
  try {
    header = readJson(bytes, { numbers: 'integer' });
  } catch (error) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the JWT header is not JSON', { cause: error });
  }
  if (!isRecord(header)) throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the JWT header is not an object');
  const { alg, kid, typ, ...rest } = header;
  if (alg !== 'EdDSA') throw new AegisError('AEGIS_BUNDLE_ALGORITHM', 'the JWT is not signed with EdDSA');
  if (Object.keys(rest).length > 0 || (typ !== undefined && typ !== 'JWT')) {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the JWT header has members that are not accepted');
  }
  if (kid !== undefined && typeof kid !== 'string') {
    throw new AegisError('AEGIS_BUNDLE_SIGNATURE_INVALID', 'the kid of the JWT is not a string');
  }
  return kid;
}
